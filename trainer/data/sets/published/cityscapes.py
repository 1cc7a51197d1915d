"""Cityscapes (Cordts et al., CVPR 2016) in its official layout, with the fine labels."""

from pathlib import Path

from PIL import Image as Picture

from searchctl.trainer.core.errors import DataError
from searchctl.trainer.data.sets.base import Label
from searchctl.trainer.data.sets.files import Pair, PairedFiles
from searchctl.trainer.data.sets.listing import files_like, visible
from searchctl.trainer.data.sets.published.cityscapes_labels import IGNORED, LabelIds
from searchctl.trainer.data.settings import CityscapesData, Split

_IMAGE = r"(.+)_leftImg8bit\.png"


class Cityscapes(PairedFiles):
    """Every image in leftImg8bit/train and leftImg8bit/val, with its mask in gtFine.

    An image without its mask is an error; masks without images are none, since the masks (0.2 GB)
    are often there in whole beside some cities' images (11 GB).

    The test split is empty: its masks are in the archive, but hold nothing, as the benchmark's
    server keeps the true ones. A score on them would be that of ignored pixels.
    """

    ignore_index = IGNORED

    def __init__(self, settings: CityscapesData) -> None:
        self._root = self.root = settings.root
        self._labels = LabelIds(settings.labels)
        self.class_names = self._labels.class_names
        self.palette = self._labels.palette

    def find_pairs(self) -> dict[Split, tuple[Pair, ...]]:
        """Return the pairs by city and name.

        Raises:
            DataError: a split's directory is missing or holds no image.
        """
        return {"train": self._pairs_of("train"), "val": self._pairs_of("val"), "test": ()}

    def decode(self, mask: Picture.Image) -> Label:
        """Turn labelIds into class ids."""
        return self._labels.decode(mask)

    def group(self, split: Split, index: int) -> str:
        """Return the city and the sequence: frankfurt has two, elsewhere most images are alone."""
        return self.names(split)[index].rpartition("_")[0]

    def _pairs_of(self, split: Split) -> tuple[Pair, ...]:
        images, masks = self._root / "leftImg8bit" / split, self._root / "gtFine" / split
        cities = (path for path in visible(images) if path.is_dir())
        pairs = tuple(pair for city in cities for pair in _pairs_in(city, masks / city.name))
        if not pairs:
            raise DataError(f"{images}: holds no CITY/*_leftImg8bit.png; is `root` right?")
        return pairs


def _pairs_in(images: Path, masks: Path) -> list[Pair]:
    return [
        Pair(name, path, masks / f"{name}_gtFine_labelIds.png")
        for name, path in files_like(images, _IMAGE).items()
    ]
