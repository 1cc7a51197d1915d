"""Settings of DeepGlobe's land cover."""

from pathlib import Path
from typing import Literal

from searchctl.trainer.data.settings.base import Split
from searchctl.trainer.data.settings.published.base import PublishedData


class LandcoverData(PublishedData):
    """DeepGlobe land cover: satellite images in six classes and unknown, masks in colours."""

    dataset: Literal["landcover"]
    """Which data set."""
    root: Path
    """Directory that holds train/ (and validation/ in the layout course), with NNNN_sat.jpg and
    NNNN_mask.png side by side."""
    layout: Literal["deepglobe", "course"] = "deepglobe"
    """deepglobe: the official 803 labelled images of 2448x2448, of which a fifth validates; their
    masks' colours are not pure and are rounded. course: 512x512 pieces with a validation/ of their
    own and pure masks."""
    unknown: Literal["ignore", "class"] = "ignore"
    """What unknown (black) pixels are: ignore, so that the score is the mean over six classes as
    the challenge's is, or class, the seventh one, which the score then counts too."""

    def published(self) -> dict[Split, int]:
        """Images of each split; those for testing have no labels."""
        if self.layout == "deepglobe":
            return {"train": 643, "val": 160, "test": 0}
        return {"train": 2000, "val": 257, "test": 0}
