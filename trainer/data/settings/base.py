"""Common settings of all data sets."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator

from searchctl.trainer.settings.base import Settings

Side = Annotated[int, Field(ge=8, le=100_000)]
Size = tuple[Side, Side]
"""Height and width in pixels."""
Count = Annotated[int, Field(ge=1, le=100_000_000)]
Channel = Annotated[int, Field(ge=0, le=255)]
Split = Literal["train", "val", "test"]
Task = Literal["segmentation", "classification"]

PLACES = frozenset({"root", "cache_dir", "cache_limit_gb", "train_list", "val_list"})
"""Settings that say where the data lie and are kept: they change nothing that is computed."""


class AnyData(Settings):
    """Base of the data sets' settings."""

    dataset: str
    """Which data set."""
    image_size: Size
    """Height and width in pixels at which networks are trained and scored; images of another
    shape are stretched to it."""
    cache_size: Literal["native"] | Side = "native"
    """Longer side in pixels of the decoded images that augmentations cut their crops from: native,
    or at most so many pixels, so that the cache of large images stays small."""
    cache_dir: Path | None = None
    """Directory of the decoded images, which all trials of a node share; ~/.cache/searchctl if left
    out."""
    cache_limit_gb: Annotated[float, Field(gt=0)] = 100.0
    """Gigabytes that the directory may hold; what was not used for longest goes first."""

    @field_validator("cache_size")
    @classmethod
    def _crops_are_not_blurred(
        cls, cache_size: Literal["native"] | int, info: ValidationInfo
    ) -> Literal["native"] | int:
        longest = max(info.data.get("image_size", (0,)))
        if cache_size != "native" and cache_size < longest:
            raise ValueError(
                f"is below the longer side of image_size, {longest}: crops would be enlarged from "
                f"too few pixels; set {longest} or more, or native"
            )
        return cache_size

    @property
    def task(self) -> Task:
        """What networks learn from it: a class for each pixel, or one for each image."""
        return "segmentation"

    @property
    def channels(self) -> int:
        """How many channels the images have, as networks see them."""
        return 3

    @property
    def pixel_type(self) -> str:
        """NumPy's name of the images' numbers: uint8, or float32 for rasters."""
        return "uint8"

    def counts(self) -> dict[Split, int] | None:
        """Images of each split if the settings state them; None if only the files show them."""
        return None


class ListedData(AnyData):
    """Base of the settings of data sets whose size only their files show."""

    train_images: Count | None = None
    """How many training images there are, for `plan` where the files are not at hand."""

    def counts(self) -> dict[Split, int] | None:
        """Images of each split if the settings state them; None if only the files show them."""
        return None if self.train_images is None else {"train": self.train_images}
