"""Where the predictions of image files are written, and that nothing there is replaced."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePath

from searchctl.trainer.core.errors import DataError, first_few
from searchctl.trainer.prediction.inputs import Found, output_names
from searchctl.trainer.prediction.reading import place_on_earth


@dataclass(frozen=True)
class Directories:
    """Where files are written; None: such files are not."""

    masks: Path
    overlays: Path | None = None
    probabilities: Path | None = None

    @property
    def all(self) -> list[Path]:
        """Those that are written to."""
        return [each for each in (self.masks, self.overlays, self.probabilities) if each]


@dataclass(frozen=True)
class Planned:
    """An image, and the files that are written of it."""

    image: Path
    mask: Path
    overlay: Path | None
    probabilities: Path | None

    @property
    def files(self) -> list[Path]:
        """The files."""
        return [each for each in (self.mask, self.overlay, self.probabilities) if each]


def plan_outputs(images: Sequence[Found], folders: Directories) -> list[Planned]:
    """Return the files that are written of each image.

    Raises:
        DataError: two images would be written to one file.
    """
    return [
        Planned(
            image.path,
            _file(folders.masks, name, _mask_suffix(image.path)),
            folders.overlays and _file(folders.overlays, name, ".png"),
            folders.probabilities and _file(folders.probabilities, name, ".npy"),
        )
        for image, name in zip(images, output_names(images), strict=True)
    ]


def remaining(
    planned: Sequence[Planned], *, overwrite: bool, skip_existing: bool
) -> Iterator[Planned]:
    """Yield what is to be predicted.

    Args:
        planned: all images.
        overwrite: whether files that are there are replaced.
        skip_existing: whether images are left out whose files are all there.

    Raises:
        DataError: files are there, and neither is set; some are named.
    """
    there = [file for each in planned for file in each.files if file.exists()]
    if there and not overwrite and not skip_existing:
        raise DataError(
            f"{first_few([str(file) for file in there])} there already: write to another "
            "directory, or set --overwrite or --skip-existing"
        )
    for each in planned:
        if not (skip_existing and all(file.exists() for file in each.files)):
            yield each


def _file(folder: Path, name: PurePath, suffix: str) -> Path:
    return folder / name.parent / f"{name.name}{suffix}"


def _mask_suffix(image: Path) -> str:
    """Return the suffix of an image's mask: .tif for a GeoTIFF."""
    with suppress(DataError):  # reading the image reports it
        return ".tif" if place_on_earth(image) else ".png"
    return ".png"
