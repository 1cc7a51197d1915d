"""Settings of any directory of images and masks."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from searchctl.trainer.data.settings.base import Channel
from searchctl.trainer.data.settings.raster import RasterData
from searchctl.trainer.settings.base import Settings


class ColourClass(Settings):
    """A class of a data set whose masks are colour pictures."""

    name: str
    """Name of the class."""
    color: tuple[Channel, Channel, Channel]
    """Red, green and blue of the class in the masks."""


class FolderData(RasterData):
    """Any directory of images and masks of the same names, with a class table."""

    dataset: Literal["folder"]
    """Which data set."""
    root: Path
    """Directory that holds images/ and masks/, or train/, val/ and test/ which each hold both."""
    classes: Annotated[
        tuple[str, ...] | tuple[ColourClass, ...], Field(min_length=2, max_length=255)
    ]
    """The class table: names in the order of their ids in the masks, or names with colours where
    the masks are colour pictures (any colour not listed is ignored)."""
    first_id: Channel = 0
    """Mask value of the first class; 1 where the ids of the masks begin at 1."""
    ignore_index: Channel = 255
    """Mask value that is not trained on and not scored."""
    images: str = "images"
    """Name of the directory of images."""
    masks: str = "masks"
    """Name of the directory of masks."""
    val: Annotated[float, Field(gt=0, lt=1)] = 0.2
    """Share of the images that validates, where root has no val/."""
    test: Annotated[float, Field(ge=0, lt=1)] = 0.1
    """Share of the images that tests, where root has no test/."""

    @model_validator(mode="after")
    def _ids_fit(self) -> Self:
        if isinstance(self.classes[0], ColourClass):
            return self
        last_id = self.first_id + len(self.classes) - 1
        if last_id > 255:
            raise ValueError(f"the last class would have the id {last_id}; masks hold 0..255")
        if self.first_id <= self.ignore_index <= last_id:
            name = self.classes[self.ignore_index - self.first_id]
            raise ValueError(f"ignore_index {self.ignore_index} is the id of the class '{name}'")
        return self
