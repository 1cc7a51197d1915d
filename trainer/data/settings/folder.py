"""Settings of any directory of images and masks."""

from pathlib import Path
from typing import Literal, Self

from pydantic import model_validator

from searchctl.trainer.data.settings.base import Channel
from searchctl.trainer.data.settings.class_table import (
    ClassTable,
    ValueClass,
    colours_of,
    ids_of,
    names_of,
    refuse_equal,
)
from searchctl.trainer.data.settings.folder_layout import LayoutData


class FolderData(LayoutData):
    """Any directory of images and masks of the same names, with a class table."""

    dataset: Literal["folder"]
    """Which data set."""
    root: Path
    """Directory of all files. By default it holds images/ and masks/, or train/, val/ and test/
    which each hold both."""
    classes: ClassTable
    """The class table. Names in the order of their ids in the masks: [background, object]. Names
    with ids, where these do not follow each other: {background: 0, object: 255}. Names with
    colours, where the masks are colour pictures: {land: [0, 128, 0], water: [0, 0, 255]}; a colour
    that is not listed is ignored."""
    first_id: Channel = 0
    """Mask value of the first class, where classes are names alone; 1 where ids start at 1."""
    ignore_index: Channel | None = 255
    """Mask value that is not trained on and not scored; nothing is ignored where it is null, or
    where 255 is the id of a class and this is left out."""

    @model_validator(mode="after")
    def _ids_fit(self) -> Self:
        refuse_equal(self.classes)
        if colours_of(self.classes):
            return self._without_effect("colours", first_id=0, ignore_index=255)
        if isinstance(self.classes[0], ValueClass):
            self._without_effect("ids", first_id=0)
        ids = dict(zip(ids_of(self.classes, self.first_id), names_of(self.classes), strict=True))
        if max(ids) > 255:
            raise ValueError(f"the last class would have the id {max(ids)}; masks hold 0..255")
        if self.ignore_index in ids and not self._is_left_out("ignore_index"):
            raise ValueError(
                f"ignore_index {self.ignore_index} is the id of the class "
                f"'{ids[self.ignore_index]}'"
            )
        if self.ignore_index in ids:
            object.__setattr__(self, "ignore_index", None)
        return self

    def _is_left_out(self, name: str) -> bool:
        """Return whether the setting is not written and its default may give way."""
        return name not in self.model_fields_set

    def _without_effect(self, beside: str, **defaults: int) -> Self:
        for name, default in defaults.items():
            if getattr(self, name) != default:
                raise ValueError(f"{name} has no effect beside {beside} of classes: leave it out")
        return self
