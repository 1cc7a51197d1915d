"""Settings of CamVid."""

from pathlib import Path
from typing import Literal

from trainer.data_settings.base import AnyData, Size, Split


class CamvidData(AnyData):
    """CamVid in the SegNet layout: 701 street images of 480x360, 11 classes, void ignored."""

    dataset: Literal["camvid"]
    """Which data set."""
    root: Path
    """Directory that holds train.txt, train/, trainannot/ and so on."""
    image_size: Size = (360, 480)
    """Height and width in pixels at which networks are trained and scored."""
    split: Literal["official", "by_sequence"] = "official"
    """official: 367/101/233, whose validation split is one 7-second clip. by_sequence: whole
    recordings apart, 429 train, 101 validation, 171 test images."""

    def counts(self) -> dict[Split, int]:
        """Images of each split, from the published lists, without looking at the disk."""
        if self.split == "official":
            return {"train": 367, "val": 101, "test": 233}
        return {"train": 429, "val": 101, "test": 171}
