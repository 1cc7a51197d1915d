"""Settings of KITTI road."""

from pathlib import Path
from typing import Literal

from searchctl.trainer.data.settings.base import Split
from searchctl.trainer.data.settings.published.base import PublishedData


class KittiRoadData(PublishedData):
    """KITTI road in its official layout: 289 street images, road or not."""

    dataset: Literal["kitti_road"]
    """Which data set."""
    root: Path
    """Directory that holds training/image_2/ and training/gt_image_2/."""

    def published(self) -> dict[Split, int]:
        """Images of each split: a fifth of um, umm and uu validates, the test has no labels."""
        return {"train": 232, "val": 57, "test": 0}
