"""A data set of one's own: searchctl knows it as my_data:Cracks."""

from pathlib import Path

import numpy as np
from PIL import Image


class Cracks:
    """Photographs of walls, and masks that are white where there is a crack.

    Files are photos/WALL_NUMBER.png and cracks/WALL_NUMBER.png. All photographs of a wall are in
    one split. searchctl gives `root` as `data.root`, and the other arguments as `data.args`.

    Args:
        root: directory of the files.
        every: one in so many walls is for validation.
    """

    classes = ("wall", "crack")

    def __init__(self, root: Path, every: int = 5) -> None:
        self.root = root
        names = sorted(path.stem for path in (root / "photos").glob("*.png"))
        walls = sorted({self.group(name) for name in names})
        held_out = set(walls[::every])
        self.train = [name for name in names if self.group(name) not in held_out]
        self.val = [name for name in names if self.group(name) in held_out]

    def image(self, name: str) -> np.ndarray:
        """Return the photograph, uint8 [height, width, 3]."""
        return np.asarray(Image.open(self.files(name)[0]).convert("RGB"))

    def label(self, name: str) -> np.ndarray:
        """Return class ids, uint8 [height, width]."""
        return (np.asarray(Image.open(self.files(name)[1]).convert("L")) > 127).astype(np.uint8)

    def files(self, name: str) -> list[Path]:
        """Return the files of a pair: data are then known by their content."""
        return [self.root / folder / f"{name}.png" for folder in ("photos", "cracks")]

    def group(self, name: str) -> str:
        """Return the wall: photographs of one resemble each other."""
        return name.partition("_")[0]
