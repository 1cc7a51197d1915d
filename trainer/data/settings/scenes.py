"""Settings of the synthetic street scenes."""

from typing import Annotated, Literal

from pydantic import Field

from searchctl.trainer.data.settings.base import AnyData, Size, Split

Count = Annotated[int, Field(ge=1, le=1_000_000)]


class ScenesData(AnyData):
    """Synthetic street scenes with CamVid's 11 classes, drawn from a seed: no files needed."""

    dataset: Literal["scenes"]
    """Which data set."""
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
