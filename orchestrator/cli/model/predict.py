"""The command predict: a trained network on image files."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from searchctl.orchestrator.cli.common import ERROR, print_errors
from searchctl.orchestrator.cli.model.common import code_option, device_option, model_argument
from searchctl.orchestrator.facts.text import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from searchctl.trainer.prediction.outputs import Planned
    from searchctl.trainer.prediction.predicting import Outcome
    from searchctl.trainer.trained.model import TrainedModel

_folder = click.Path(file_okay=False, path_type=Path)


@click.command()
@model_argument
@click.argument("images", metavar="IMAGES...", nargs=-1, required=True)
@click.option(
    "-o",
    "--output",
    type=_folder,
    metavar="DIR",
    required=True,
    help="Directory of the masks; of a classifier, of predictions.csv.",
)
@click.option(
    "--overlay", type=_folder, metavar="DIR", help="Also write the images under their classes."
)
@click.option(
    "--probabilities",
    type=_folder,
    metavar="DIR",
    help="Also write the probabilities: .npy files of float32 [classes, height, width].",
)
@click.option(
    "--mode",
    type=click.Choice(["resized", "whole", "sliding_window"]),
    help="What the network is given, as in `inference:`. Default: as it was scored.",
)
@click.option(
    "--overlap",
    type=click.FloatRange(0, 1, max_open=True),
    help="Least share of a window's or tile's side that it has in common with the next one.",
)
@click.option("--flip", is_flag=True, help="Average with the mirrored image.")
@click.option(
    "--batch-size",
    type=click.IntRange(min=1),
    default=8,
    show_default=True,
    help="Images, or windows of one image, in one pass; so many images are in memory.",
)
@device_option
@code_option
@click.option("--overwrite", is_flag=True, help="Replace files that are there already.")
@click.option(
    "--skip-existing", is_flag=True, help="Leave out images whose files are there already."
)
def predict(
    model: str,
    images: tuple[str, ...],
    output: Path,
    overlay: Path | None,
    probabilities: Path | None,
    mode: str | None,
    overlap: float | None,
    flip: bool,
    batch_size: int,
    device: str | None,
    code: str | None,
    overwrite: bool,
    skip_existing: bool,
) -> None:
    """Predict images, and write a mask of each: a PNG whose palette has the classes' colours.

    \b
    IMAGES are files, directories (with all images below them) and patterns such as 'a/**/*.jpg'.
    Masks keep the images' relative names and their size; the mask of a GeoTIFF is a GeoTIFF at its
    place. An image that cannot be read is named, the others are predicted, and the exit code is 1.
    Example: searchctl predict trained/quickstart-trial-8 photos -o masks --overlay overlays
    """
    from upath import UPath

    from searchctl.orchestrator.artifacts.directory import check_writable
    from searchctl.trainer.prediction.class_table import ClassTable
    from searchctl.trainer.prediction.inputs import find_images
    from searchctl.trainer.prediction.outputs import Directories, plan_outputs, remaining
    from searchctl.trainer.prediction.predicting import predict_files
    from searchctl.trainer.prediction.reading import ImageReader

    loaded = _loaded(model, device, code, mode=mode, overlap=overlap, flip=flip)
    folders = Directories(output, overlay, probabilities)
    found = find_images(images, ImageReader(loaded.description).suffixes, folders.all)
    planned = plan_outputs(found, folders)
    is_classifier = loaded.description.task == "classification"
    if is_classifier and len(folders.all) > 1:
        raise click.UsageError("--overlay and --probabilities are for classes of pixels")
    for each in folders.all:
        check_writable(UPath(each), "name another directory")
    if is_classifier:
        table = ClassTable(output / "predictions.csv", loaded.class_names, overwrite=overwrite)
        failed = _errors(
            predict_files(loaded, planned, batch_size=batch_size, table=table), planned
        )
        table.write()
        written = f"{len(planned) - len(failed)} images in {table.path}"
    else:
        todo = list(remaining(planned, overwrite=overwrite, skip_existing=skip_existing))
        failed = _errors(predict_files(loaded, todo, batch_size=batch_size), todo)
        written = f"{counted(len(todo) - len(failed), 'mask')} in {output}"
        if len(todo) < len(planned):
            written += f"; {len(planned) - len(todo)} were there already"
    click.echo(f"wrote {written}")
    if failed:
        print_errors(failed)
        sys.exit(ERROR)


def _loaded(
    model: str,
    device: str | None,
    code: str | None,
    *,
    mode: str | None,
    overlap: float | None,
    flip: bool,
) -> "TrainedModel":
    """Load a network, with the inference settings of the command line in place of its own."""
    from searchctl.trainer.trained.loading import changed_inference, load_model

    changes: dict[str, Any] = {"mode": mode} if mode else {}
    changes |= {"flip": True} if flip else {}
    loaded = load_model(model, device=device, code=code, inference=changes)
    if overlap is not None and loaded.description.images.tile is not None:
        loaded.tile_overlap = overlap
    elif overlap is not None:
        changed = changed_inference(loaded.description.inference, {"overlap": overlap})
        loaded.description = loaded.description.model_copy(update={"inference": changed})
    return loaded


def _errors(outcomes: "Iterable[Outcome]", planned: "Sequence[Planned]") -> list[str]:
    """Predict all images, show the progress, and return what is wrong with those that failed.

    Images that viewers show differently from how they are read are warned of.
    """
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    from searchctl.orchestrator.terminal.display import plain_console
    from searchctl.trainer.prediction.predicting import surprises

    console = plain_console()
    columns = ("predicting", BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    shown = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
    with shown:
        tracked = shown.track(outcomes, total=len(planned))
        done = list(tracked)
    for surprise in surprises(done):
        click.echo(f"warning: {surprise}", err=True)
    return [each.error for each in done if each.error is not None]
