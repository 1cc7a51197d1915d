"""Settings of any directory of images in one directory for each class."""

from pathlib import Path
from typing import Literal

from searchctl.trainer.data.settings.base import ListedData, Task


class ImageFolderData(ListedData):
    """Images in one directory for each class: the layout that most classifiers are trained on."""

    dataset: Literal["image_folder"]
    """Which data set; sweeps on it have task: classification."""
    root: Path
    """Directory that holds train/CLASS/, val/CLASS/ and test/CLASS/, or CLASS/ alone. Where there
    is no val/, a fifth of each class's images validates, always the same ones; without test/,
    nothing is tested."""

    @property
    def task(self) -> Task:
        """What networks learn from it: a class for each image."""
        return "classification"
