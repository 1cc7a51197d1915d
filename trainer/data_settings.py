"""What data a sweep trains on: one settings class per data set, torch-free, with their sizes."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from trainer.settings import Settings

Side = Annotated[int, Field(ge=8)]
Size = tuple[Side, Side]
Count = Annotated[int, Field(ge=1)]
Channel = Annotated[int, Field(ge=0, le=255)]
Split = Literal["train", "val", "test"]


class ScenesData(Settings):
    """Synthetic street scenes with CamVid's 11 classes, drawn from a seed: no files needed."""

    dataset: Literal["scenes"]
    """Which data set: scenes, camvid, oxford_pets or folder."""
    image_size: Size = (48, 64)
    """Height and width in pixels at which networks are trained and scored."""
    native_size: Size = (96, 128)
    """Height and width at which the scenes and their labels are drawn."""
    train: Count = 64
    """Training images."""
    val: Count = 16
    """Validation images."""
    test: Count = 16
    """Test images."""
    seed: int = 0
    """Seed of the drawing; not the sweep's."""

    def counts(self) -> dict[Split, int]:
        """Images of each split, without drawing one."""
        return {"train": self.train, "val": self.val, "test": self.test}


class CamvidData(Settings):
    """CamVid in the SegNet layout: 701 street images of 480x360, 11 classes, void ignored."""

    dataset: Literal["camvid"]
    """Which data set: scenes, camvid, oxford_pets or folder."""
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


class OxfordPetsData(Settings):
    """Oxford-IIIT Pet in its official layout: cats and dogs of 37 breeds with trimaps."""

    dataset: Literal["oxford_pets"]
    """Which data set: scenes, camvid, oxford_pets or folder."""
    root: Path
    """Directory that holds images/ and annotations/ (trainval.txt, test.txt, trimaps/)."""
    image_size: Size
    """Height and width in pixels at which networks are trained and scored; the images have many
    sizes and shapes, and all are stretched to this one."""
    border: Literal["ignore", "class"] = "ignore"
    """What the trimaps' outline of the pet is: ignore, as the authors call it not classified, or
    class, the third one."""
    train_images: Count | None = None
    """How many training images there are, for `plan` where the files are not at hand."""

    def counts(self) -> dict[Split, int] | None:
        """Images of each split as far as the settings tell; None where only the lists know."""
        return None if self.train_images is None else {"train": self.train_images}


class ColourClass(Settings):
    """A class of a data set whose masks are colour pictures."""

    name: str
    """Name of the class."""
    color: tuple[Channel, Channel, Channel]
    """Red, green and blue of the class in the masks."""


class FolderData(Settings):
    """Any directory of images and masks of the same names, with a class table."""

    dataset: Literal["folder"]
    """Which data set: scenes, camvid, oxford_pets or folder."""
    root: Path
    """Directory that holds images/ and masks/, or train/, val/ and test/ which each hold both."""
    image_size: Size
    """Height and width in pixels at which networks are trained and scored."""
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
    train_images: Count | None = None
    """How many training images there are, for `plan` where the files are not at hand."""

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

    def counts(self) -> dict[Split, int] | None:
        """Images of each split as far as the settings tell; None where only the disk knows."""
        return None if self.train_images is None else {"train": self.train_images}


DataSettings = Annotated[
    ScenesData | CamvidData | OxfordPetsData | FolderData, Field(discriminator="dataset")
]


@dataclass(frozen=True)
class Sample:
    """The training images of a rung: a prefix of the one order that the seed gives.

    Two samples of the same data and seed are nested: the smaller is the larger one's beginning.
    """

    data: DataSettings
    images: int
    """How many images of the training split."""
    seed: int
    """The sweep's seed."""
    whole: str = "train"
    """'train', or 'train+val' for a final training that no longer needs a validation set."""
