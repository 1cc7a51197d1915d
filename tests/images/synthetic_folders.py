"""Small data sets of image and mask files, as a user would have them."""

import numpy as np
from PIL import Image

from searchctl.trainer.data.settings import FolderData


def draw_folder(root, count=6, size=(24, 32)):
    """Write images with noise and masks of two classes below an empty directory."""
    rng = np.random.default_rng(0)
    for kind in ("images", "masks"):
        (root / kind).mkdir(parents=True)
    for index in range(count):
        write_pair(root, index, rng, size)
    return root


def write_pair(root, index, rng, size):
    """Write an image and its mask, over those that were there."""
    pixels = rng.integers(0, 256, (*size, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(root / "images" / f"{index}.png")
    mask = rng.integers(0, 2, size, dtype=np.uint8)
    Image.fromarray(mask).save(root / "masks" / f"{index}.bmp")  # of one size in bytes


def folder_data(root, **changes):
    """Return settings of such a data set: half of it validates."""
    settings = {"image_size": (12, 16), "classes": ["a", "b"], "val": 0.5, "test": 0, **changes}
    return FolderData(dataset="folder", root=root, **settings)
