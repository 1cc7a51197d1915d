"""CamVid (Brostow et al. 2009) in the SegNet layout: 701 street images with 11 classes."""

import re
from functools import cached_property
from pathlib import Path

from PIL import Image as Picture

from trainer.data_settings import CamvidData, Split
from trainer.datasets.base import Label
from trainer.datasets.files import SPLITS, Pair, PairedFiles, decode_ids, id_table, read_list
from trainer.datasets.street_classes import CLASS_NAMES, PALETTE, VOID
from trainer.errors import DataError

_RECORDINGS: dict[str, Split] = {
    "0001TP": "train",
    "0016E5": "train",
    "0006R0": "val",
    "Seq05VD": "test",
}
"""The split of each recording when whole recordings are kept apart (`split: by_sequence`)."""
_CLIP_FRAMES = 300
"""Ten seconds at 30 frames a second: images closer than that show much the same street."""


class Camvid(PairedFiles):
    """CamVid as SegNet's lists give it, or regrouped so that no recording is in two splits."""

    class_names = CLASS_NAMES
    palette = PALETTE
    ignore_index = VOID

    def __init__(self, settings: CamvidData) -> None:
        self._settings = settings
        self._table = id_table(len(CLASS_NAMES), first=0, void=VOID, ignore_index=VOID)

    def pairs(self, split: Split) -> tuple[Pair, ...]:
        """Return the pairs in the order of the lists.

        Raises:
            DataError: a list file is missing or has a malformed line, or a name is of no recording.
        """
        return self._pairs[split]

    def decode(self, mask: Picture.Image) -> Label:
        """Return the mask's values, which are the ids already."""
        return decode_ids(mask, self._table, f"0..{len(CLASS_NAMES) - 1} and {VOID} (void)")

    def group(self, split: Split, index: int) -> str:
        """Return the recording and the ten-second clip in it.

        Neighbouring clips still resemble each other; the official validation split is one or two
        groups, as it is a single stretch of seven seconds.
        """
        name = self.pairs(split)[index].name
        return f"{_recording(name)}/{int(re.sub('.*[^0-9]', '', name)) // _CLIP_FRAMES}"

    @cached_property
    def _pairs(self) -> dict[Split, tuple[Pair, ...]]:
        root = self._settings.root
        listed = {
            split: tuple(_pair(root, *entry) for entry in read_list(root / f"{split}.txt"))
            for split in SPLITS
        }
        if self._settings.split == "official":
            return listed
        everything = [pair for split in SPLITS for pair in listed[split]]
        return {
            split: tuple(pair for pair in everything if _split_of(pair) == split)
            for split in SPLITS
        }


def _recording(name: str) -> str:
    return name.partition("_")[0]


def _split_of(pair: Pair) -> Split:
    recording = _recording(pair.name)
    if recording not in _RECORDINGS:
        known = ", ".join(_RECORDINGS)
        raise DataError(f"{pair.image}: no recording of CamVid is called {recording} ({known})")
    return _RECORDINGS[recording]


def _pair(root: Path, line: str, where: str) -> Pair:
    fields = line.split()
    if len(fields) != 2:
        raise DataError(f"{where}: expected 'image label', found '{line}'")
    image, mask = (_under(root, field) for field in fields)
    return Pair(image.stem, image, mask)


def _under(root: Path, listed: str) -> Path:
    """Take a path's last two parts: SegNet's lists begin with /SegNet/CamVid, which nobody has."""
    return root.joinpath(*Path(listed).parts[-2:])
