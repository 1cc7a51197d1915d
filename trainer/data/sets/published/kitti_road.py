"""KITTI road (Fritsch et al., ITSC 2013): where one may drive."""

from pathlib import Path

from PIL import Image as Picture

from searchctl.trainer.data.sets.base import Label
from searchctl.trainer.data.sets.colours import ColourTable
from searchctl.trainer.data.sets.files import Pair, PairedFiles
from searchctl.trainer.data.sets.listing import some_files_like
from searchctl.trainer.data.sets.validation_split import split_in_two, validation_split
from searchctl.trainer.data.settings import KittiRoadData, Split

_CLASSES = {"Road": (255, 0, 255), "Not_Road": (255, 0, 0)}
_IGNORED = 255
_COLOURS = {
    (255, 0, 255): 0,
    (255, 0, 0): 1,
    (0, 0, 0): _IGNORED,
    (0, 0, 255): _IGNORED,
}
"""Blue is road and red is valid: without red, a pixel is not scored."""
_IMAGE = r"((?:um|umm|uu)_\d{6})\.(?:jpg|png)"
_VALIDATES = 5
"""One in so many images of a category validates."""
_GROUP = 10
"""So many numbers of a category in a row are one group."""


class KittiRoad(PairedFiles):
    """Every training/image_2/um_NNNNNN.png (umm, uu) with its mask um_road_NNNNNN.png.

    The masks um_lane_NNNNNN.png, of the car's own lane, have no part in it.

    There is no official validation split: a fifth of each category (um, umm, uu: marked, multiple
    marked and unmarked lanes) validates, those images that `validation_split` chooses by their
    names. Images that follow each other can be of one drive, so some of the validation images
    resemble training images. The test split is empty, as it has no labels.

    Images may be JPEG files, which copies of the data set in smaller sizes have; masks may not.
    """

    class_names = tuple(_CLASSES)
    palette = tuple(_CLASSES.values())
    ignore_index = _IGNORED

    def __init__(self, settings: KittiRoadData) -> None:
        self.root = settings.root
        self._training = settings.root / "training"
        self._table = ColourTable(_COLOURS, _IGNORED)

    def find_pairs(self) -> dict[Split, tuple[Pair, ...]]:
        """Return the pairs by category and number.

        Raises:
            DataError: the directory of images is missing or holds none.
        """
        files = some_files_like(self._training / "image_2", _IMAGE, "um_NNNNNN.png")
        pairs = [Pair(name, path, self._mask(name)) for name, path in files.items()]
        return split_in_two(pairs, validation_split(files, _VALIDATES, stratum=_category))

    def decode(self, mask: Picture.Image) -> Label:
        """Look each colour up."""
        return self._table.decode(mask)

    def group(self, split: Split, index: int) -> str:
        """Return the category and the ten numbers of the image's: drives are not published."""
        name = self.names(split)[index]
        return f"{_category(name)}/{int(name.rpartition('_')[2]) // _GROUP}"

    def _mask(self, name: str) -> Path:
        category, _, number = name.partition("_")
        return self._training / "gt_image_2" / f"{category}_road_{number}.png"


def _category(name: str) -> str:
    return name.partition("_")[0]
