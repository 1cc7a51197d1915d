"""Commands on data sets: data check and data convert."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from searchctl.orchestrator.cli.before.convert import convert
from searchctl.orchestrator.cli.before.files import read
from searchctl.orchestrator.cli.common import (
    ERROR,
    CommandGroup,
    data_root_option,
    json_option,
    print_json,
    sweep_file_argument,
)
from searchctl.orchestrator.facts.text import counted

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

    from searchctl.orchestrator.config.sweep import Sweep
    from searchctl.trainer.data.checks.check import OnImage
    from searchctl.trainer.data.checks.report import DataReport, SplitReport
    from searchctl.trainer.data.sets.base import Dataset
    from searchctl.trainer.pictures.contact_sheet import Example

MOST_DRAWN = 8
"""Augmentations on the sheet of `data check --augmented`."""


@click.group(cls=CommandGroup)
def data() -> None:
    """Check the data set of a sweep file, or convert annotations into masks.

    \b
    Example: searchctl data check sweep.yaml
    """


data.add_command(convert)


@data.command()
@sweep_file_argument
@data_root_option
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="SHEET.PNG",
    help="Also draw some images of each split with their labels over them.",
)
@click.option(
    "--images",
    type=click.IntRange(min=1),
    default=6,
    show_default=True,
    help="Images of each split to draw.",
)
@click.option(
    "--augmented",
    is_flag=True,
    help="Also draw training images as each augmentation of the sweep changes them.",
)
@json_option
def check(
    sweep_file: Path,
    data_root: str | None,
    output: Path | None,
    images: int,
    augmented: bool,
    as_json: bool,
) -> None:
    """Decode every image and label, and report contents, broken files and leaks between splits.

    \b
    For each split: images, groups (clips, cities), sizes, each class's share of the labeled
    pixels, the number of images it occurs in, and the share of unlabeled pixels. Exit code 0 if
    every file can be read and training makes sense, 1 if not; warnings alone are 0. `launch` runs
    the same checks before the first job. --augmented writes NAME-augmented.png (with -o sheet.png
    sheet-augmented.png beside it): training images of the first epochs, with their masks, for up
    to 8 of the sweep's augmentations.
    Example: searchctl data check sweep.yaml -o sheet.png --augmented
    """
    from searchctl.orchestrator.own_code.collect import collect_code
    from searchctl.orchestrator.own_code.names import own_names
    from searchctl.trainer.data.checks.checked import checked_data
    from searchctl.trainer.data.opening import build_dataset
    from searchctl.trainer.data.settings import OwnData

    sweep = read(sweep_file, data_root)
    settings = sweep.data
    if isinstance(settings, OwnData):
        collect_code(sweep_file.absolute().parent, [settings.dataset], sweep.code).use()
    dataset = build_dataset(settings)
    with _progress() as on_image:
        report = checked_data(settings, on_image)
    if as_json:
        from searchctl.orchestrator.terminal.data import json_of

        print_json({"dataset": settings.dataset, **json_of(report)})
    else:
        _print(settings.dataset, report)
    if output:
        _draw(dataset, settings.dataset, report, images, output)
    if report.problems:
        sys.exit(ERROR)
    if augmented:
        collect_code(sweep_file.absolute().parent, own_names(sweep), sweep.code).use()
        _draw_augmented(sweep, output or Path(f"{sweep.name}.png"))


@contextmanager
def _progress() -> "Iterator[OnImage]":
    """Draw a progress bar on standard error, if that is a terminal."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    from searchctl.orchestrator.terminal.display import plain_console

    console = plain_console(stderr=True)
    columns = ("reading", BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    shown = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
    with shown:
        task = shown.add_task("")
        yield lambda done, total: shown.update(task, completed=done, total=total)


def _print(name: str, report: "DataReport") -> None:
    from searchctl.orchestrator.terminal.data import tables_of
    from searchctl.orchestrator.terminal.display import plain_console

    console = plain_console()
    for table in tables_of(report):
        console.print(table, crop=False)
        console.print()
    if report.tiles:
        listed = ", ".join(f"{count} {split}" for split, count in report.tiles.items())
        console.print(f"tiles: {listed}\n")
    for warning in report.warnings:
        console.print(f"warning: {warning}", style="yellow", soft_wrap=True)
    for problem in report.problems:
        console.print(f"error: {problem}", style="red", soft_wrap=True)
    images = counted(sum(len(split.names) for split in report.splits), "image")
    errors = counted(len(report.problems), "error")
    warnings = counted(len(report.warnings), "warning")
    console.print(f"{name}: {images}, {errors}, {warnings}")


def _draw(dataset: "Dataset", name: str, report: "DataReport", images: int, output: Path) -> None:
    """Write a contact sheet of readable images, spread evenly over each split."""
    from searchctl.trainer.pictures.contact_sheet import contact_sheet

    splits = [(split, _examples(dataset, split, images)) for split in report.splits if split.read]
    headed = [(f"{s.split}: {counted(len(s.names), 'image')}", shown) for s, shown in splits]
    _save(contact_sheet(dataset, f"{name}: {len(report.class_names)} classes", headed), output)


def _draw_augmented(sweep: "Sweep", beside: Path) -> None:
    """Write a contact sheet of training images as augmentations change them, beside a file."""
    from searchctl.orchestrator.config.augments import distinct_augments
    from searchctl.trainer.data.samples import load_split
    from searchctl.trainer.pictures.augment_sheet import augment_sheet

    augments = distinct_augments(sweep, MOST_DRAWN)
    sheet = augment_sheet(load_split(sweep.data, "train"), augments, sweep.seed)
    _save(sheet, beside.with_name(f"{beside.stem}-augmented{beside.suffix}"))


def _save(sheet: "Picture", output: Path) -> None:
    from searchctl.orchestrator.core.errors import SearchctlError

    try:
        sheet.save(output)
    except (OSError, ValueError) as error:
        raise SearchctlError(
            f"cannot write {output}: {error}; name another file with -o"
        ) from error
    click.echo(f"wrote {output}", err=True)


def _examples(dataset: "Dataset", split: "SplitReport", images: int) -> "list[Example]":
    from searchctl.trainer.pictures.contact_sheet import Example

    return [
        Example(split.names[index], *dataset.load(split.split, index))
        for index in split.spread(images)
    ]
