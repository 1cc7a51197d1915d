"""Settings of CamVid."""

from pathlib import Path
from typing import Literal, Self

from pydantic import model_validator

from searchctl.trainer.data.settings.base import Size, Split
from searchctl.trainer.data.settings.published.base import PublishedData


class CamvidData(PublishedData):
    """CamVid: 701 street images, 11 classes, void ignored."""

    dataset: Literal["camvid"]
    """Which data set."""
    root: Path
    """Directory that holds train.txt, train/, trainannot/ and so on; or, in the original layout,
    701_StillsRaw_full/ and LabeledApproved_full/, or train/, train_labels/ and so on."""
    image_size: Size = (360, 480)
    """Height and width in pixels at which networks are trained and scored."""
    layout: Literal["segnet", "original"] = "segnet"
    """segnet: 480x360, masks of class ids, lists. original: 960x720, masks in the colours of 32
    classes, which are put together to the same 11."""
    split: Literal["official", "by_sequence", "directories"] = "official"
    """official: SegNet's 367/101/233, whose validation split is one 7-second clip. by_sequence:
    whole recordings apart, 429 train, 101 validation, 171 test images. directories: as train/, val/
    and test/ of the original layout have it."""

    def published(self) -> dict[Split, int] | None:
        """Images of each split, from the published lists, without looking at the disk."""
        if self.split == "directories":
            return None
        if self.split == "official":
            return {"train": 367, "val": 101, "test": 233}
        return {"train": 429, "val": 101, "test": 171}

    @model_validator(mode="after")
    def _directories_are_of_the_original(self) -> Self:
        if self.split == "directories" and self.layout == "segnet":
            raise ValueError("split: directories goes with layout: original (SegNet's has lists)")
        return self
