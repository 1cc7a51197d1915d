"""Synthetic street scenes with CamVid's classes: no files needed."""

import numpy as np

from searchctl.trainer.core.seeds import derive_seed
from searchctl.trainer.data.sets.base import Dataset, Image, Label
from searchctl.trainer.data.sets.street import draw_street
from searchctl.trainer.data.sets.street_classes import CLASS_NAMES, PALETTE, VOID
from searchctl.trainer.data.settings import ScenesData, Split


class Scenes(Dataset):
    """Street scenes, each a function of (seed, split, index): any of them can be drawn alone."""

    class_names = CLASS_NAMES
    palette = PALETTE
    ignore_index = VOID

    def __init__(self, settings: ScenesData) -> None:
        self._settings = settings

    def names(self, split: Split) -> tuple[str, ...]:
        """Return 'train_00000' and so on."""
        return tuple(f"{split}_{index:05}" for index in range(self._settings.counts()[split]))

    def load(self, split: Split, index: int) -> tuple[Image, Label]:
        """Draw the scene at the settings' native size."""
        rng = np.random.default_rng(derive_seed(self._settings.seed, split, index))
        return draw_street(rng, *self._settings.native_size)

    def size(self, split: Split, index: int) -> tuple[int, int]:
        """Return the settings' native size."""
        return self._settings.native_size

    def fingerprint_parts(self) -> tuple[str, ...]:
        """Return the names, with the seed and the size at which they are drawn."""
        drawn = f"seed {self._settings.seed}, size {self._settings.native_size}"
        return (drawn, *super().fingerprint_parts())
