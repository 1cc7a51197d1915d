"""The labels of Cityscapes (Cordts et al., CVPR 2016), which KITTI's semantic benchmark shares."""

from typing import NamedTuple

from PIL import Image as Picture

from searchctl.trainer.data.sets.base import Colour, Label
from searchctl.trainer.data.sets.files import decode_ids, value_table
from searchctl.trainer.data.settings.published.cityscapes import CityscapesLabels

IGNORED = 255


class _Label(NamedTuple):
    name: str
    scored: bool
    """Is it one of the benchmark's 19 classes, whose trainIds count them in this order?"""
    colour: Colour


LABELS = (
    _Label("unlabeled", False, (0, 0, 0)),
    _Label("ego vehicle", False, (20, 20, 20)),
    _Label("rectification border", False, (40, 40, 40)),
    _Label("out of roi", False, (60, 60, 60)),
    _Label("static", False, (90, 90, 90)),
    _Label("dynamic", False, (111, 74, 0)),
    _Label("ground", False, (81, 0, 81)),
    _Label("road", True, (128, 64, 128)),
    _Label("sidewalk", True, (244, 35, 232)),
    _Label("parking", False, (250, 170, 160)),
    _Label("rail track", False, (230, 150, 140)),
    _Label("building", True, (70, 70, 70)),
    _Label("wall", True, (102, 102, 156)),
    _Label("fence", True, (190, 153, 153)),
    _Label("guard rail", False, (180, 165, 180)),
    _Label("bridge", False, (150, 100, 100)),
    _Label("tunnel", False, (150, 120, 90)),
    _Label("pole", True, (153, 153, 153)),
    _Label("polegroup", False, (190, 190, 190)),
    _Label("traffic light", True, (250, 170, 30)),
    _Label("traffic sign", True, (220, 220, 0)),
    _Label("vegetation", True, (107, 142, 35)),
    _Label("terrain", True, (152, 251, 152)),
    _Label("sky", True, (70, 130, 180)),
    _Label("person", True, (220, 20, 60)),
    _Label("rider", True, (255, 0, 0)),
    _Label("car", True, (0, 0, 142)),
    _Label("truck", True, (0, 0, 70)),
    _Label("bus", True, (0, 60, 100)),
    _Label("caravan", False, (0, 0, 90)),
    _Label("trailer", False, (0, 0, 110)),
    _Label("train", True, (0, 80, 100)),
    _Label("motorcycle", True, (0, 0, 230)),
    _Label("bicycle", True, (119, 11, 32)),
)
"""In the order of their ids, 0..33. The colours are the official ones, but for the greys of ids 1
to 4 and 18, which have the black of 0 and the grey of 17 there and could not be distinguished.

The license plate, id -1, is never drawn into a mask.
"""
_FIRST_ANNOTATED = 4
"""Static: the ids before it say what was not labelled, or could not be."""


class LabelIds:
    """Masks named labelIds, and the classes that are made of their ids."""

    def __init__(self, labels: CityscapesLabels) -> None:
        ids = [i for i in range(len(LABELS)) if _is_class(i, labels)]
        self.class_names = tuple(LABELS[i].name for i in ids)
        self.palette = tuple(LABELS[i].colour for i in ids)
        classes = {label_id: class_id for class_id, label_id in enumerate(ids)}
        self._table = value_table({i: classes.get(i, IGNORED) for i in range(len(LABELS))})

    def decode(self, mask: Picture.Image) -> Label:
        """Turn labelIds into class ids.

        Masks named labelTrainIds have the same format, but another numbering. What gives them away
        is 255, their void: there is hardly an image without some.

        Raises:
            DataError: there is a value that is no labelId.
        """
        last = len(LABELS) - 1
        return decode_ids(mask, self._table, f"labelIds 0..{last} (255 is of labelTrainIds)")


def _is_class(label_id: int, labels: CityscapesLabels) -> bool:
    if labels == "train_ids":
        return LABELS[label_id].scored
    return labels == "all" or label_id >= _FIRST_ANNOTATED
