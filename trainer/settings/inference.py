"""Scoring of finalists at the images' own size: the section `inference`; torch-free."""

from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from searchctl.trainer.data.settings import Task
from searchctl.trainer.data.settings.base import Size
from searchctl.trainer.settings.base import Settings

_OVERLAP = 1 / 3
_LOGIT_BYTES = 4
_MOST_LOGITS = 2_000_000_000
"""Bytes of an image's logits that mode `whole` takes at most; activations take several times as
much."""

_LARGEST_SCALE = 16


class Inference(Settings):
    """How predictions at the labels' own size are made: for finalists, and in `searchctl train`.

    It changes 'val_original' and 'test_original' alone: neither the training nor any decision.
    """

    mode: Literal["resized", "whole", "sliding_window"] = "resized"
    """What the network is given. resized: each image stretched to image_size, as in training.
    whole: each at its own size. sliding_window: windows of image_size over each at its own size,
    averaged where they overlap."""
    overlap: Annotated[float, Field(ge=0, lt=1)] | None = None
    """Least share of a window's side that it has in common with the next one; 1/3 if left out."""
    flip: bool = False
    """Whether the mirrored image is predicted too, and averaged with the other."""
    scales: Annotated[
        tuple[Annotated[float, Field(gt=0)], ...], Field(min_length=1, max_length=32)
    ] = (1.0,)
    """Sizes at which each image is predicted, as multiples of the one that `mode` gives; averaged.
    Windows keep their size."""

    @field_validator("scales")
    @classmethod
    def _each_once(cls, scales: tuple[float, ...]) -> tuple[float, ...]:
        if len(set(scales)) < len(scales):
            raise ValueError("lists a scale twice: each is averaged once")
        if max(scales) > _LARGEST_SCALE:
            raise ValueError(f"must be {_LARGEST_SCALE} or less, not {max(scales):g}")
        return scales

    @model_validator(mode="after")
    def _overlap_is_of_windows(self) -> Self:
        if self.overlap is not None and self.mode != "sliding_window":
            raise ValueError(
                f"overlap is of no use with mode {self.mode}: leave it out, or set "
                "mode: sliding_window"
            )
        return self

    @property
    def tile_overlap(self) -> float:
        """The least share of a window's side that it has in common with the next one."""
        return _OVERLAP if self.overlap is None else self.overlap

    def size_problem(self, size: Size, classes: int) -> str | None:
        """Return why an image is too large for the mode; None if it is not.

        Args:
            size: height and width of the image in pixels.
            classes: channels of the logits.
        """
        pixels = size[0] * size[1] * max(self.scales) ** 2
        bytes_needed = round(pixels * classes * _LOGIT_BYTES)
        if self.mode != "whole" or bytes_needed <= _MOST_LOGITS:
            return None
        return (
            f"inference.mode: whole predicts an image of {size[0]}x{size[1]} at once, whose logits "
            f"of {classes} classes alone take {bytes_needed / 1e9:.1f} GB: set mode: sliding_window"
        )

    def mode_problem(self, task: Task) -> str | None:
        """Return why the mode does not fit a task; None if it does."""
        if task == "classification" and self.mode != "resized":
            return f"{self.mode} is for a class of each pixel: classification needs resized"
        return None

    @property
    def as_validated(self) -> bool:
        """Whether networks are given just the images that they are validated on in training."""
        return self == AS_VALIDATED


AS_VALIDATED = Inference()
"""Each image once, stretched to image_size; its logits upsampled to the label's size."""
