"""Settings of samples that the user's own lists name, for scripts of the user's own."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator

from searchctl.trainer.data.settings.base import AnyData, Size


class ListsData(AnyData):
    """Two text files with one sample a line, which only a script of your own reads."""

    dataset: Literal["lists"]
    """Which data set."""
    train_list: Path
    """File with one training sample a line. Lines are passed on as they are."""
    val_list: Path
    """File with one validation sample a line."""
    classes: tuple[Annotated[str, Field(min_length=1)], ...] = ()
    """Names of the classes, in the order of the counts that the script may write."""
    image_size: Size = (8, 8)
    """No effect: the script reads the images."""

    @field_validator("image_size", "cache_size", "cache_dir", "cache_limit_gb")
    @classmethod
    def _has_no_effect(cls, written: object, info: ValidationInfo) -> object:
        if written != cls.model_fields[info.field_name or ""].default:
            raise ValueError("has no effect: the script reads the images itself; leave it out")
        return written

    @field_validator("classes")
    @classmethod
    def _are_distinct(cls, classes: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(classes)) < len(classes):
            raise ValueError("names a class twice: leave one out")
        return classes
