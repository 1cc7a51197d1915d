"""The parameters of a user's function, read from its source: nothing of the user is imported."""

import ast
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.machinery import PathFinder
from pathlib import Path


@dataclass(frozen=True)
class Signature:
    """What a function can be called with, by name."""

    names: tuple[str, ...]
    """Its parameters."""
    required: tuple[str, ...]
    """Those without a default."""
    takes_any: bool
    """Whether it takes any other name too (`**values`)."""


def signature_of(function: str, directory: Path) -> Signature:
    """Return the signature of MODULE:FUNCTION.

    Args:
        function: its name.
        directory: where the module is looked for first.

    Raises:
        ValueError: there is no such module or function.
    """
    module, _, name = function.partition(":")
    path = source_of(module, directory)
    try:
        tree = ast.parse(path.read_bytes())
    except SyntaxError as error:
        raise ValueError(f"{path}:{error.lineno} is no Python: {error.msg}") from None
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name == name:
            return _signature(node, path)
    raise ValueError(f"{path} has no function {name}: define it there with `def {name}(...)`")


def source_of(module: str, directory: Path) -> Path:
    """Return the file of a module.

    Raises:
        ValueError: there is none.
    """
    places: Sequence[str] | None = [str(directory), *sys.path]
    found = None
    for end in range(1, module.count(".") + 2):
        name = ".".join(module.split(".")[:end])
        found = PathFinder.find_spec(name, places) if places is not None else None
        places = found.submodule_search_locations if found else None
    if found is None or not found.origin or not found.origin.endswith(".py"):
        raise ValueError(f"no module {module} in {directory}, nor among the installed ones")
    return Path(found.origin)


def _signature(node: ast.FunctionDef, path: Path) -> Signature:
    arguments = node.args
    if arguments.posonlyargs or arguments.vararg:
        raise ValueError(
            f"{path}:{node.lineno} {node.name} has parameters without a name: it is called by name"
        )
    plain = [each.arg for each in arguments.args]
    named = [each.arg for each in arguments.kwonlyargs]
    without = plain[: len(plain) - len(arguments.defaults)]
    without += [n for n, d in zip(named, arguments.kw_defaults, strict=True) if d is None]
    return Signature((*plain, *named), tuple(without), arguments.kwarg is not None)
