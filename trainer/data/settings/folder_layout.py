"""Settings of where images and masks lie, what they are called, and how they are split."""

import re
from typing import Annotated, Self

from pydantic import Field, field_validator, model_validator

from searchctl.trainer.data.settings.raster import RasterData

SPLIT = "{split}"
"""Placeholder of a split's name in patterns."""


class LayoutData(RasterData):
    """Base of the settings of data sets whose files lie as their user has them."""

    images: str = "images"
    """Directory of the images below root, with all below it. With {split} in it, such as
    images/{split} or {split}/images, it is that of each split: train, val (or valid, validation)
    and test."""
    masks: str = "masks"
    """Directory of the masks below root, as `images`; an image's mask has its name and place."""
    image_prefix: str = ""
    """What the names of images start with, and those of masks do not."""
    image_suffix: str = ""
    """What the names of images end with before the extension, and those of masks do not: _sat."""
    mask_prefix: str = ""
    """What the names of masks start with, and those of images do not."""
    mask_suffix: str = ""
    """What the names of masks end with before the extension, and those of images do not: _mask."""
    lists: str | None = None
    """Text files that name the images of each split, a line each, such as
    ImageSets/Segmentation/{split}.txt. A line is a name below `images` (its extension may be left
    out), or the paths of an image and its mask below root."""
    table: str | None = None
    """A CSV file below root with the columns image and mask (paths below root), and split if the
    splits are given; in place of directories."""
    group: str | None = None
    """What belongs together, so that it never lies in two splits: a regular expression whose first
    group is taken from the image's name, such as "(.*)_frame"; or a column of `table`."""
    val: Annotated[float, Field(gt=0, lt=1)] = 0.2
    """Share of the images that validates, where no files are given for that."""
    test: Annotated[float, Field(ge=0, lt=1)] = 0.1
    """Share of the images that tests, where no files are given for that."""

    @field_validator("lists")
    @classmethod
    def _lists_are_of_splits(cls, lists: str | None) -> str | None:
        if lists is not None and SPLIT not in lists:
            raise ValueError(f"names one file: write {SPLIT} where the split's name is")
        return lists

    @model_validator(mode="after")
    def _splits_are_given_once(self) -> Self:
        ways = [name for name in ("lists", "table") if getattr(self, name) is not None]
        ways += [name for name in ("images", "masks") if SPLIT in getattr(self, name)]
        if ways == ["masks"]:
            raise ValueError(f"masks has {SPLIT} and images has not: write it in images too")
        if len(ways) > 1 and ways != ["images", "masks"]:
            raise ValueError(f"{' and '.join(ways)} all say what the splits are: leave one")
        return self

    @model_validator(mode="after")
    def _names_have_an_effect(self) -> Self:
        names = ("image_prefix", "image_suffix", "mask_prefix", "mask_suffix")
        given = [name for name in names if getattr(self, name)]
        if self.table is not None and given:
            raise ValueError(f"{given[0]} has no effect beside table: leave it out")
        if self.images == self.masks and self.table is None and not given:
            raise ValueError(
                "images and masks are the same directory: set image_suffix or mask_suffix to tell "
                "their files apart"
            )
        return self

    @model_validator(mode="after")
    def _group_is_a_pattern(self) -> Self:
        if self.group is None or self.table is not None:
            return self
        try:
            groups = re.compile(self.group).groups
        except re.error as error:
            raise ValueError(f"group is no regular expression ({error})") from error
        if not groups:
            raise ValueError(
                f'group has no (...) that names what belongs together: "({self.group})"'
            )
        return self

    @model_validator(mode="after")
    def _shares_leave_something(self) -> Self:
        if self.val + self.test >= 1:
            raise ValueError(
                f"val {self.val:g} and test {self.test:g} leave no training images: together they "
                "must be below 1"
            )
        return self
