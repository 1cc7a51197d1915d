"""What one image and its label hold."""

import hashlib
from dataclasses import dataclass, field

import cv2
import numpy as np
import numpy.typing as npt

from searchctl.trainer.data.crop import crop_corners
from searchctl.trainer.data.label_counts import VALUES, value_counts
from searchctl.trainer.data.resizing import Size, resized_label
from searchctl.trainer.data.sets.base import Dataset, Image, Label, Reading, Seen

Counts = npt.NDArray[np.int64]
NEAR_SIDE = 16
"""Rows and columns of brightness steps that `near` compares."""


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """Facts of one image and its label."""

    size: Size
    """Height and width of the image in pixels."""
    pixels: Counts
    """[classes] pixels of the label that are of each class; in classification it has one pixel."""
    unlabeled: int
    """Pixels of the label that are of no class."""
    digest: bytes
    """Equal for images of equal pixels."""
    left: npt.NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, np.bool_))
    """[classes] whether each class is still there at the training size; empty where that is not
    known."""
    near: bytes = b""
    """256 bits of which images that resemble each other share most: where it gets brighter to the
    right, on a grid of 16 x 16."""
    seen: Seen = field(default_factory=Seen)
    """What else was seen in the files."""
    label_digest: bytes = b""
    """Equal for equal labels."""


@dataclass(frozen=True)
class Seeing:
    """How networks see an image."""

    image_size: Size
    """Height and width at which they are trained."""
    tile: Size | None = None
    """Height and width of the tiles that are stretched to that size; None for whole images."""
    overlap: float = 0.0
    """Least share that neighbouring tiles have in common."""

    def left(self, label: Label) -> npt.NDArray[np.bool_]:
        """Return whether each label value is still there at the training size: [256]."""
        if label.size == 1:  # the class of a whole image
            return value_counts(label) > 0
        height, width = self.tile or label.shape
        left = np.zeros(VALUES, np.bool_)
        for top, start in crop_corners(label.shape, (height, width), self.overlap):
            part = np.ascontiguousarray(label[top : top + height, start : start + width])
            left |= value_counts(resized_label(part, self.image_size)) > 0
        return left


def facts_of(dataset: Dataset, reading: Reading, seeing: Seeing | None) -> ImageFacts:
    """Return what a pair holds, at its own size and at the training size."""
    image, label, seen = reading
    classes = len(dataset.class_names)
    pixels = value_counts(label)
    left = seeing.left(label)[:classes].copy() if seeing else np.zeros(0, np.bool_)
    return ImageFacts(
        (image.shape[0], image.shape[1]),
        pixels[:classes].copy(),  # and not a view that keeps all values
        int(pixels[dataset.ignore_index]),
        hashlib.blake2b(np.ascontiguousarray(image).data, digest_size=16).digest(),
        left,
        _near(image),
        seen,
        hashlib.blake2b(np.ascontiguousarray(label).data, digest_size=8).digest(),
    )


def _near(image: Image) -> bytes:
    """Return the difference hash of an image: N. Krawetz, 'Kind of Like That' (2013)."""
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) if image.dtype == np.uint8 else _mean(image)
    grey = cv2.resize(grey, (NEAR_SIDE + 1, NEAR_SIDE), interpolation=cv2.INTER_AREA)
    return np.packbits(grey[:, 1:] > grey[:, :-1]).tobytes()


def _mean(raster: Image) -> Image:
    """Return the mean of a raster's bands, 0 where a pixel is missing."""
    mean: Image = np.nan_to_num(raster).mean(axis=2, dtype=np.float32)
    return mean
