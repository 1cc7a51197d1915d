"""Settings of KITTI's semantic segmentation benchmark."""

from pathlib import Path
from typing import Literal

from searchctl.trainer.data.settings.base import Split
from searchctl.trainer.data.settings.published.base import PublishedData
from searchctl.trainer.data.settings.published.cityscapes import CityscapesLabels


class KittiSemanticsData(PublishedData):
    """KITTI semantics in its official layout: 200 street images with the labels of Cityscapes."""

    dataset: Literal["kitti_semantics"]
    """Which data set."""
    root: Path
    """Directory that holds training/image_2/ and training/semantic/."""
    labels: CityscapesLabels = "train_ids"
    """Classes, as of Cityscapes: train_ids (19), annotated (30) or all (34)."""

    def published(self) -> dict[Split, int]:
        """Images of each split: a fifth of the labelled ones validates, the test has no labels."""
        return {"train": 160, "val": 40, "test": 0}
