"""Makes the data that all tuners share: small arrays of CamVid, and lists of their images."""

from pathlib import Path

import numpy as np
from PIL import Image

SIZE = (32, 24)
"""Width and height in pixels."""


def prepare(camvid: Path, folder: Path) -> None:
    """Write every second image of each of CamVid's lists, as SPLIT.npz and SPLIT.txt."""
    folder.mkdir(parents=True, exist_ok=True)
    for split in ("train", "val", "test"):
        if not (folder / f"{split}.txt").exists():
            images, labels = _arrays(camvid, split)
            np.savez(folder / f"{split}.npz", images=images, labels=labels)
            lines = [f"{split} {index}\n" for index in range(len(images))]
            (folder / f"{split}.txt").write_text("".join(lines))


def lines(folder: Path, split: str) -> int:
    """Return the number of images of a split."""
    return len((folder / f"{split}.txt").read_text().splitlines())


def _arrays(camvid: Path, split: str) -> tuple[np.ndarray, np.ndarray]:
    rows = [line.split() for line in (camvid / f"{split}.txt").read_text().splitlines()]
    images, labels = [], []
    for image, mask in ([Image.open(camvid / path) for path in row] for row in rows[::2]):
        small = image.convert("RGB").resize(SIZE, Image.Resampling.BILINEAR)
        images.append(np.asarray(small))
        labels.append(np.asarray(mask.resize(SIZE, Image.Resampling.NEAREST)))
    return np.stack(images), np.stack(labels)
