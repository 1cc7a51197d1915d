"""The command data convert: polygons become masks."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from searchctl.orchestrator.cli.common import json_option, print_json
from searchctl.orchestrator.facts.text import counted
from searchctl.trainer.core.errors import first_few

if TYPE_CHECKING:
    from searchctl.trainer.data.convert.annotations import Annotations

_DIRECTORY = click.Path(exists=True, file_okay=False, path_type=Path)


@click.command()
@click.argument("source", type=click.Path(exists=True, path_type=Path))
@click.option(
    "-o",
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    metavar="DIRECTORY",
    help="Where images/ and masks/ are written.",
)
@click.option(
    "--format",
    "kind",
    type=click.Choice(["coco", "labelme", "yolo"]),
    required=True,
    help="coco: a JSON file. labelme: a directory of JSON files. yolo: a directory of text files.",
)
@click.option(
    "--images",
    type=_DIRECTORY,
    help="Directory of the images. labelme: where each file names its image, if left out.",
)
@click.option(
    "--split",
    type=click.Choice(["train", "val", "test"]),
    help="Write below DIRECTORY/train, val or test.",
)
@click.option(
    "--names",
    metavar="A,B,..",
    help="yolo: names of the classes 0, 1, .. of the labels.",
)
@json_option
def convert(
    source: Path,
    output: Path,
    kind: str,
    images: Path | None,
    split: str | None,
    names: str | None,
    as_json: bool,
) -> None:
    """Draw the polygons or run lengths of annotations as masks, for `dataset: folder`.

    \b
    Masks hold 0 for the background and 1, 2, .. for the classes, which are printed as a class
    table. Images are linked, or copied where they lie on another disk. A second split gets the
    ids of the first.
    Example: searchctl data convert instances_train.json --format coco --images train2017 -o data
    """
    from searchctl.orchestrator.config.parsing.yaml_source import dump_yaml
    from searchctl.trainer.data.convert.write import write_masks

    found = write_masks(_read(kind, source, images, names), output, split)
    _warn(found.outside)
    if as_json:
        print_json(
            {
                "root": str(output),
                "images": found.images,
                "empty": found.empty,
                "outside": len(found.outside),
                "classes": list(found.class_names),
            }
        )
        return
    without = f", {found.empty} of them without an object" if found.empty else ""
    click.echo(f"wrote {counted(found.images, 'mask')}{without} to {output}", err=True)
    classes = list(found.class_names)
    table = {"data": {"dataset": "folder", "root": str(output), "classes": classes}}
    dump_yaml(table, sys.stdout)


def _warn(outside: tuple[Path, ...]) -> None:
    if outside:
        click.echo(
            f"warning: {counted(len(outside), 'object')} outside of the image: see whether the "
            f"coordinates are pixels of {first_few([str(path) for path in outside])}",
            err=True,
        )


def _read(kind: str, source: Path, images: Path | None, names: str | None) -> "Annotations":
    from searchctl.trainer.data.convert.coco import read_coco
    from searchctl.trainer.data.convert.labelme import read_labelme
    from searchctl.trainer.data.convert.yolo import read_yolo

    if (kind == "yolo") != (names is not None):
        raise click.UsageError("--names goes with --format yolo, which needs it")
    if kind == "labelme":
        return read_labelme(source, images)
    if images is None:
        raise click.UsageError(f"--format {kind} needs --images")
    if kind == "coco":
        return read_coco(source, images)
    return read_yolo(source, images, [name.strip() for name in (names or "").split(",")])
