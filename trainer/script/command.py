"""Command lines with placeholders: python train.py --lr {lr} --list {train_list}. No shell."""

import json
import shlex
from collections.abc import Mapping, Sequence
from string import Formatter

GIVEN = {
    "epochs": "epochs to train",
    "seed": "seed of this sample; the same for all trials",
    "fraction": "share of the training samples, such as 0.25",
    "images": "number of training samples",
    "train_list": "file with the training samples, one a line",
    "val_list": "file with the validation samples, one a line",
    "out": "directory for all files of the script",
    "report": "file to which reports are appended, as JSON lines",
    "params": "JSON file with all values of the trial",
    "device": "cpu or cuda",
    "gpus": "number of GPUs that are set aside",
    "resume_from": "directory of an earlier attempt, or nothing",
    "init_from": "weights of the rung below, or nothing",
}
"""The placeholders that searchctl fills, and what each stands for."""


def split(command: str) -> list[str]:
    """Return the arguments of a command, with their placeholders, as a POSIX shell splits them.

    Raises:
        ValueError: it is empty, a quotation is not closed, or a brace is not of a placeholder.
    """
    try:
        arguments = shlex.split(command)
    except ValueError as error:
        raise ValueError(f"cannot be split into arguments: {error}") from None
    if not arguments:
        raise ValueError("is empty: write a command, such as python train.py --lr {lr}")
    placeholders(arguments)
    return arguments


def placeholders(arguments: Sequence[str]) -> tuple[str, ...]:
    """Return the names of the placeholders, each once, in their order.

    Raises:
        ValueError: a brace is not of a placeholder.

    >>> placeholders(["train.py", "--lr={lr}", "{{}}", "{out}/{lr}"])
    ('lr', 'out')
    """
    return tuple(dict.fromkeys(name for each in arguments for _, name in _parts(each) if name))


def filled(arguments: Sequence[str], values: Mapping[str, object]) -> list[str]:
    """Return the arguments with values in place of their placeholders.

    An argument stays one argument, whatever its values hold.

    >>> filled(["train.py", "--name={name}"], {"name": "two words; rm -r /"})
    ['train.py', '--name=two words; rm -r /']
    """
    return [
        "".join(literal + (text(values[name]) if name else "") for literal, name in _parts(each))
        for each in arguments
    ]


def text(value: object) -> str:
    """Return a value as an argument: true, false, and nothing for null.

    >>> text(True), text(None), text(0.001), text("poly"), text((1, 2))
    ('true', '', '0.001', 'poly', '[1, 2]')
    """
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value)


def _parts(argument: str) -> list[tuple[str, str]]:
    """Return (text, name of the placeholder after it) for each part of an argument."""
    try:
        parts = list(Formatter().parse(argument))
    except ValueError:
        raise ValueError(_braces(argument)) from None
    for _, name, spec, conversion in parts:
        if name is not None and (spec or conversion or not name.isidentifier()):
            raise ValueError(_braces(argument))
    return [(literal, name or "") for literal, name, _, _ in parts]


def _braces(argument: str) -> str:
    return (
        f"has a brace that is not of a placeholder, in {argument!r}: write {{name}}, and {{{{ or "
        "}} for a brace itself"
    )
