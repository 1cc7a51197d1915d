"""Settings of SUN RGB-D."""

from pathlib import Path
from typing import Literal

from searchctl.trainer.data.settings.base import Split
from searchctl.trainer.data.settings.published.base import PublishedData


class SunRgbdData(PublishedData):
    """SUN RGB-D's colour images with its 37 classes: 10335 indoor images of four sensors."""

    dataset: Literal["sunrgbd"]
    """Which data set."""
    root: Path
    """Directory that holds SUNRGBD-train_images/, SUNRGBD-test_images/ and
    sunrgbd_train_test_labels/; or image/, label37/ and split/ of the layout reorganized."""
    layout: Literal["export", "reorganized"] = "export"
    """export: labels 1..5050 are of the test images, 5051..10335 of the training images, of which
    a tenth validates. reorganized: labels in directories of their own; 475 images of the official
    test split validate."""

    def published(self) -> dict[Split, int]:
        """Images of each split, without looking at the disk."""
        if self.layout == "export":
            return {"train": 4765, "val": 520, "test": 5050}
        return {"train": 5285, "val": 475, "test": 4575}
