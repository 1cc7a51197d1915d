"""Predicts images at their original size, with sliding windows and test-time augmentation.

The modes are whole images, stretched images and windows; views may be mirrored and scaled.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from itertools import product
from types import EllipsisType

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from searchctl.trainer.data.crop import crop_corners
from searchctl.trainer.data.resizing import Size, resized_image
from searchctl.trainer.data.sets.base import Image
from searchctl.trainer.evaluation.strips import (
    STRIP_BYTES,
    strips_of,
    upsampled_rows,
    with_margin,
)
from searchctl.trainer.models.base import SegmentationModel
from searchctl.trainer.run.precision import Precision
from searchctl.trainer.settings.inference import Inference

Window = tuple[int, EllipsisType, slice, slice]
"""Index of an image's window in an array [B, ..., H, W]."""


class Predictor:
    """Predicts images, averaged over their views, in fp32 on the device.

    Images of a group pass through the network together.

    Probabilities are averaged: over windows as in Zhao et al., 'Pyramid Scene Parsing Network'
    (2017), section 5.1, and over mirrored and scaled images as in Chen et al., 'DeepLab' (2018),
    section 4.1. They are stored as logarithms, so that small ones do not underflow in the loss.

    Args:
        model: network in evaluation mode, on the device.
        precision: number format and memory layout of the forward pass.
        inference: the views of an image, and how each is predicted.
        image_size: height and width of stretched images and of windows.
        batch_size: windows, or images of `image_size`, in one forward pass; of larger images, as
            many as have the same pixels together.
    """

    def __init__(
        self,
        model: SegmentationModel,
        precision: Precision,
        inference: Inference,
        *,
        image_size: Size,
        batch_size: int,
    ) -> None:
        self._model = model
        self._arithmetic = precision
        self._inference = inference
        self._image_size = image_size
        self._batch_size = batch_size

    def log_probabilities(self, image: Image, size: Size) -> Tensor:
        """Return the log-probabilities of the classes [1, C, H, W], resampled to `size`."""
        (predicted,) = self.of_group([image], [size])
        return predicted

    def of_group(self, images: Sequence[Image], sizes: Sequence[Size]) -> list[Tensor]:
        """Return the log-probabilities [1, C, H, W] of each image of a group, at its size.

        In mode 'resized' the images may have any size; in the others all have the same.
        """
        views = self._views(images, self._base(images[0]))
        return _log_means(
            [_at_size(each, size) for each, size in zip(view.unsqueeze(1), sizes, strict=True)]
            for view in views
        )

    def are_alike(self, image: Image, other: Image) -> bool:
        """Return whether two images may be in one group."""
        return self._base(image) == self._base(other)

    def group_size(self, image: Image, size: Size, classes: int) -> int:
        """Return how many images of this kind are in a group at most; 1 if it has several strips.

        Bounded are the pixels in a forward pass and the bytes of the group's log-probabilities.
        """
        if len(strips_of(size, classes)) > 1:
            return 1
        enlarged = max(1.0, *self._inference.scales) ** 2
        held = STRIP_BYTES / (4 * classes * math.prod(size) * enlarged)
        if self._inference.mode == "sliding_window":  # each pass has `batch_size` windows
            return max(1, min(self._batch_size, int(held)))
        largest = math.prod(self._base(image)) * max(self._inference.scales) ** 2
        together = self._batch_size * math.prod(self._image_size) / largest
        return max(1, min(self._batch_size, int(together), int(held)))

    def _base(self, image: Image) -> Size:
        """Return the size of an image's view of scale 1."""
        if self._inference.mode == "resized":
            return self._image_size
        return image.shape[0], image.shape[1]

    def _views(self, images: Sequence[Image], base: Size) -> Iterator[Tensor]:
        """Yield log-probabilities [B, C, h, w] of each scaled and mirrored view, at its size."""
        for scale, mirrored in product(self._inference.scales, self._mirrorings()):
            yield self._view(images, scaled(base, scale), mirrored)

    def strips(self, image: Image, size: Size, classes: int) -> Iterator[tuple[slice, Tensor]]:
        """Yield the rows of each strip, and the log-probabilities [1, C, h, W] there.

        A strip of a large image that is predicted in windows has windows of its own, which reach
        beyond it. Mode 'whole' predicts all of the image at once.

        Args:
            image: of the label's size.
            size: height and width of the label.
            classes: C.
        """
        strips = strips_of(size, classes)
        if len(strips) == 1 or self._inference.mode == "whole":
            whole = self.log_probabilities(image, size)
            yield from ((rows, whole[..., rows, :]) for rows in strips)
        elif self._inference.mode == "resized":
            views = list(self._views([image], self._image_size))
            for rows in strips:
                parts = (upsampled_rows(view, size, rows).log_softmax(dim=1) for view in views)
                (predicted,) = _log_means([part] for part in parts)
                yield rows, predicted
        else:
            margin = math.ceil(self._image_size[0] / min(self._inference.scales))
            for rows in strips:
                seen, inside = with_margin(rows, margin, size[0])
                part = image[seen]
                yield rows, self.log_probabilities(part, part.shape[:2])[..., inside, :]

    def _mirrorings(self) -> tuple[bool, ...]:
        return (False, True) if self._inference.flip else (False,)

    def _view(self, images: Sequence[Image], size: Size, mirrored: bool) -> Tensor:
        """Return the log-probabilities [B, C, h, w] of a view, in the images' orientation.

        Args:
            images: each [H, W, channels], uint8 or float32.
            size: height and width to which they are resized.
            mirrored: whether the view is mirrored; its prediction is mirrored back.
        """
        resized = np.stack([resized_image(image, size) for image in images])
        pixels = torch.tensor(resized, device=self._arithmetic.device).permute(0, 3, 1, 2)
        if mirrored:
            return self._predicted(pixels.flip(-1)).flip(-1)
        return self._predicted(pixels)

    def _predicted(self, pixels: Tensor) -> Tensor:
        """Return the log-probabilities of pixels [B, channels, H, W]."""
        height, width = pixels.shape[-2:]
        if self._inference.mode == "sliding_window":
            predicted = self._over_windows(
                _padded(pixels, self._image_size, self._arithmetic.padding(pixels))
            )
        else:
            smallest = self._model.smallest
            predicted = self._network(
                _padded(pixels, (smallest, smallest), self._arithmetic.padding(pixels))
            )
        return predicted[..., :height, :width]

    def _over_windows(self, pixels: Tensor) -> Tensor:
        """Return the log-probabilities, averaged over all windows that contain a pixel."""
        images, _, height, width = pixels.shape
        total = torch.empty(0)
        count = pixels.new_zeros((images, 1, height, width), dtype=torch.float32)
        for window, predicted in self._windows(pixels):
            if not total.numel():
                total = predicted.new_full((images, len(predicted), height, width), -math.inf)
            # a sum of probabilities, in logarithms
            total[window] = torch.logaddexp(total[window], predicted)
            count[window] += 1
        return total.sub_(count.log_())

    def _windows(self, pixels: Tensor) -> Iterator[tuple[Window, Tensor]]:
        """Yield each window with its log-probabilities [C, h, w]; batches have any images'."""
        height, width = self._image_size
        overlap = self._inference.tile_overlap
        corners = crop_corners(pixels.shape[-2:], self._image_size, overlap)
        windows = [
            (image, ..., slice(y, y + height), slice(x, x + width))
            for image in range(len(pixels))
            for y, x in corners
        ]
        for start in range(0, len(windows), self._batch_size):
            batch = windows[start : start + self._batch_size]
            predicted = self._network(torch.stack([pixels[window] for window in batch]))
            yield from zip(batch, predicted, strict=True)

    def _network(self, pixels: Tensor) -> Tensor:
        return self._arithmetic.logits(self._model, pixels).log_softmax(dim=1)


def scaled(size: Size, scale: float) -> Size:
    """Return a scaled size, rounded to whole pixels.

    >>> scaled((360, 480), 0.75)
    (270, 360)
    """
    height, width = (max(1, round(side * scale)) for side in size)
    return height, width


def _log_means(views: Iterable[list[Tensor]]) -> list[Tensor]:
    """Return the logarithm of each image's mean probability, from its log-probabilities by view."""
    totals: list[Tensor] = []
    count = 0
    for view in views:
        totals = [*map(torch.logaddexp, totals, view)] if totals else view
        count += 1
    assert totals, "there is no view"
    return [total - math.log(count) for total in totals] if count > 1 else totals


def _at_size(log_probabilities: Tensor, size: Size) -> Tensor:
    if log_probabilities.shape[-2:] == size:
        return log_probabilities
    # equals resampling the logits: both differ by one number for all classes, which softmax ignores
    resampled = F.interpolate(log_probabilities, size=size, mode="bilinear", align_corners=False)
    return resampled.log_softmax(dim=1)


def _padded(pixels: Tensor, least: Size, fill: Tensor) -> Tensor:
    """Pad pixels [B, channels, H, W] at the right and the bottom with their mean [channels]."""
    height, width = pixels.shape[-2:]
    below, right = max(0, least[0] - height), max(0, least[1] - width)
    if not below and not right:
        return pixels
    whole = (len(pixels), -1, height + below, width + right)
    padded = fill.view(1, -1, 1, 1).expand(whole).clone()
    padded[..., :height, :width] = pixels
    return padded
