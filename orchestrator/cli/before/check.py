"""The command check: does a network, a loss, an optimizer or an LR schedule do what it must?"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from searchctl.orchestrator.cli.before.files import read
from searchctl.orchestrator.cli.common import ERROR, json_option, print_json

if TYPE_CHECKING:
    from searchctl.orchestrator.own_code.check import Found, Request

KINDS = ("model", "loss", "optimizer", "lr_schedule")


@click.command()
@click.argument("names", metavar="[NAME]...", nargs=-1)
@click.option(
    "--sweep",
    "sweep_file",
    metavar="SWEEP.YAML",
    type=click.Path(path_type=Path),
    help="Take options, classes and the size of images from this file; without NAME, check all its "
    "own parts. Modules are searched beside it first, else in the current directory.",
)
@click.option(
    "--as",
    "kind",
    type=click.Choice(KINDS),
    help="What a name is, if its class or its parameters do not show it.",
)
@json_option
def check(names: tuple[str, ...], sweep_file: Path | None, kind: str | None, as_json: bool) -> None:
    """Check parts of a recipe before a sweep trusts them: your own by import path, or ours.

    \b
    Of a network: shapes, odd sizes, gradients, a batch of one, dropout, learning four images by
    heart, repeatability. Of a loss: ignored pixels, gradients, absent classes. It runs in a process
    of its own with a time limit. Exit code 0 if all checks pass, 1 if not.
    Example: searchctl check my_nets:ResUNet --sweep sweep.yaml
    """
    if not names and sweep_file is None:
        raise click.UsageError("name a part, such as my_nets:ResUNet, or give --sweep")
    from searchctl.orchestrator.own_code.check import check_apart

    folder = sweep_file.absolute().parent if sweep_file else Path.cwd()
    request = _of_sweep(names, sweep_file, kind) if sweep_file else _of_names(names, kind)
    if not request.parts:
        raise click.UsageError(f"{sweep_file} names no part of one's own: name a part to check")
    found: list[Found] = []
    for each in check_apart(request, folder):
        if not as_json:
            _print(each, found[-1:])
        found.append(each)
    failed = [each for each in found if each.problem is not None]
    if as_json:
        print_json({"ok": not failed, "checks": [vars(each) for each in found]})
    if failed:
        sys.exit(ERROR)


def _print(each: "Found", last: "list[Found]") -> None:
    if [found.part for found in last] != [each.part]:
        click.echo(each.part)
    if each.problem is not None:
        click.echo(f"  failed  {each.check}: {each.problem}")
    else:
        click.echo(f"  ok      {each.check}" + (f" ({each.note})" if each.note else ""))


def _of_names(names: tuple[str, ...], kind: str | None) -> "Request":
    from searchctl.orchestrator.own_code.check import Part, Request

    return Request([Part(name, kind) for name in names])


def _of_sweep(names: tuple[str, ...], sweep_file: Path, kind: str | None) -> "Request":
    """Return the parts that a sweep names, with its options; names that it lacks, without."""
    from searchctl.orchestrator.own_code.check import Part, Request, parts_of
    from searchctl.orchestrator.run.preparation.prepare import trial_settings
    from searchctl.trainer.data.opening import build_dataset

    sweep = read(sweep_file, None)
    parts = parts_of(trial_settings(sweep))
    chosen: list[Part] = [part for part in parts if not names or part.name in names]
    known = {part.name for part in parts}
    chosen += [Part(name, kind) for name in names if name not in known]
    classes = len(build_dataset(sweep.data).class_names)
    return Request(chosen, classes, sweep.data.channels, sweep.data.image_size)
