"""Predicts image files, batch by batch; one that cannot be read stops no other."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice

from upath import UPath

from searchctl.trainer.core.ahead import in_threads
from searchctl.trainer.core.atomic_files import write_atomically
from searchctl.trainer.core.errors import TrainerError
from searchctl.trainer.data.checks.traits import (
    files_of_several_pictures,
    see_through_images,
    turned_images,
)
from searchctl.trainer.data.files.reading import Traits
from searchctl.trainer.data.sets.base import Image
from searchctl.trainer.prediction.class_table import ClassTable
from searchctl.trainer.prediction.outputs import Planned
from searchctl.trainer.prediction.pictures import array_file, geotiff_mask, overlay, png_mask
from searchctl.trainer.prediction.reading import ImageReader, place_on_earth
from searchctl.trainer.trained.model import Prediction, TrainedModel

_PLAIN = Traits()
"""A file with nothing besides its pixels."""


@dataclass(frozen=True)
class Outcome:
    """What became of one image."""

    planned: Planned
    error: str | None = None
    """Why it was not predicted; None if its files are written."""
    traits: Traits = _PLAIN
    """What the image's file holds besides its pixels, if it was predicted."""


def surprises(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """Report predicted images that viewers show differently from how they were read."""

    def names(has: Callable[[Traits], bool]) -> list[str]:
        return [str(each.planned.image) for each in outcomes if has(each.traits)]

    if turned := names(lambda traits: traits.orientation != 1):
        yield (
            f"{turned_images(turned)}: so are their masks. For masks of what is shown, save the "
            "images upright, without EXIF data"
        )
    if several := names(lambda traits: traits.pictures > 1):
        yield files_of_several_pictures(several)
    if clear := names(lambda traits: traits.see_through):
        yield see_through_images(clear)


def predict_files(
    model: TrainedModel,
    planned: Iterable[Planned],
    *,
    batch_size: int,
    table: ClassTable | None = None,
) -> Iterator[Outcome]:
    """Predict images and write their files; yield what became of each, in their order.

    At most `batch_size` images are in memory at a time. Each file is written whole or not at all.

    Args:
        model: the network.
        planned: images, and the files that are written of each.
        batch_size: images, or windows of one image, in one forward pass.
        table: takes the predictions of a classifier, in place of files.

    Raises:
        OSError: a file cannot be written.
    """
    reader, waiting = ImageReader(model.description), iter(planned)
    while batch := list(islice(waiting, batch_size)):
        read = list(in_threads(partial(_read, model, reader), batch, "reading"))
        images = [image for _, (image, _) in read if not isinstance(image, str)]
        wanted = table is not None or any(each.probabilities for each in batch)
        predictions = model.predictions(images, batch_size=batch_size, probabilities=wanted)
        for each, (image, traits) in read:
            if isinstance(image, str):
                yield Outcome(each, error=image)
                continue
            prediction = next(predictions)
            if table is None:
                _write(model, reader, each, image, prediction)
            else:
                table.add(each.image, prediction)
            yield Outcome(each, traits=traits)


def _read(model: TrainedModel, reader: ImageReader, planned: Planned) -> tuple[Image | str, Traits]:
    """Return an image, or why it cannot be predicted; and what its file holds besides."""
    try:
        image, traits = reader.read(planned.image)
    except TrainerError as error:
        return str(error), _PLAIN
    problem = model.problem(image)
    return image if problem is None else f"{planned.image}: {problem}", traits


def _write(
    model: TrainedModel,
    reader: ImageReader,
    planned: Planned,
    image: Image,
    prediction: Prediction,
) -> None:
    classes, palette = prediction.classes, model.palette
    if planned.mask.suffix == ".tif":
        place = place_on_earth(planned.image)
        mask = geotiff_mask(classes, palette, place, model.ignore_index)
    else:
        mask = png_mask(classes, palette)
    if planned.overlay is not None:
        shown = overlay(reader.displayed(image), classes, palette)
        write_atomically(UPath(planned.overlay), shown)
    if planned.probabilities is not None:
        assert prediction.probabilities is not None, "they were requested"
        write_atomically(UPath(planned.probabilities), array_file(prediction.probabilities))
    write_atomically(UPath(planned.mask), mask)  # last: an image whose mask is there is complete
