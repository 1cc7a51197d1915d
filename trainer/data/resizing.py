"""Resizing of images and labels: pixels are averaged or interpolated, labels never are."""

import cv2
import numpy as np

from searchctl.trainer.data.sets.base import Image, Label

Size = tuple[int, int]
"""Height and width in pixels."""

# Loader threads resize images in parallel already.
cv2.setNumThreads(0)


def resized_image(image: Image, size: Size) -> Image:
    """Return the image stretched to a size; itself, if it has that."""
    height, width = size
    if image.shape[:2] == size:
        return image
    shrinks = height <= image.shape[0] and width <= image.shape[1]
    method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    if image.shape[2] == 3:
        resized: Image = cv2.resize(image, (width, height), interpolation=method)
        return resized
    # OpenCV takes four channels at most, and loses the dimension of a single one
    bands = (np.ascontiguousarray(image[..., band]) for band in range(image.shape[2]))
    return np.stack(
        [cv2.resize(band, (width, height), interpolation=method) for band in bands], axis=-1
    )


def resized_label(label: Label, size: Size) -> Label:
    """Return the label stretched to a size, each pixel the nearest one; itself, if it has that."""
    height, width = size
    if label.shape == size:
        return label
    # _EXACT takes the pixel at the centre, as the image's resizing does; plain NEAREST is shifted
    return cv2.resize(  # type: ignore[no-any-return]
        label, (width, height), interpolation=cv2.INTER_NEAREST_EXACT
    )


def fitted(size: Size, longest: int) -> Size:
    """Return a size whose longer side is at most so many pixels, of the same shape.

    >>> fitted((1024, 2048), 1024)
    (512, 1024)
    >>> fitted((360, 480), 1024)
    (360, 480)
    """
    scale = min(1.0, longest / max(size))
    height, width = (max(1, round(side * scale)) for side in size)
    return height, width
