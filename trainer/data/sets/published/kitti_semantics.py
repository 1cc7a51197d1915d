"""KITTI's semantic segmentation benchmark (Alhaija et al., IJCV 2018), labelled as Cityscapes."""

from PIL import Image as Picture

from searchctl.trainer.data.sets.base import Label
from searchctl.trainer.data.sets.files import Pair, PairedFiles
from searchctl.trainer.data.sets.listing import some_files_like
from searchctl.trainer.data.sets.published.cityscapes_labels import IGNORED, LabelIds
from searchctl.trainer.data.sets.validation_split import split_in_two, validation_split
from searchctl.trainer.data.settings import KittiSemanticsData, Split

_VALIDATES = 5
"""One in so many images validates."""
_GROUP = 10
"""So many numbers in a row are one group."""


class KittiSemantics(PairedFiles):
    """Every training/image_2/NNNNNN_10.png with its mask in training/semantic.

    There is no official validation split: a fifth of the images validates, those that
    `validation_split` chooses by their names. Images that follow each other can be of one drive, so
    some of the validation images resemble training images. The test split is empty, as it has no
    labels.

    Only frames 10 are labelled; where the stereo benchmark was unpacked into the same directory,
    frames 11 are beside them.
    """

    ignore_index = IGNORED

    def __init__(self, settings: KittiSemanticsData) -> None:
        self.root = settings.root
        self._training = settings.root / "training"
        self._labels = LabelIds(settings.labels)
        self.class_names = self._labels.class_names
        self.palette = self._labels.palette

    def find_pairs(self) -> dict[Split, tuple[Pair, ...]]:
        """Return the pairs by number.

        Raises:
            DataError: the directory of images is missing or holds none.
        """
        files = some_files_like(self._training / "image_2", r"(\d{6}_10)\.png", "NNNNNN_10.png")
        masks = self._training / "semantic"
        pairs = [Pair(name, path, masks / f"{name}.png") for name, path in files.items()]
        return split_in_two(pairs, validation_split(files, _VALIDATES))

    def decode(self, mask: Picture.Image) -> Label:
        """Turn labelIds into class ids."""
        return self._labels.decode(mask)

    def group(self, split: Split, index: int) -> str:
        """Return the ten numbers of the image's: which drive it is of is not published with it."""
        return str(int(self.names(split)[index].partition("_")[0]) // _GROUP)
