"""CamVid (Brostow et al. 2009): 701 street images with the 11 classes of SegNet."""

from collections.abc import Iterator
from pathlib import Path

from PIL import Image as Picture

from searchctl.trainer.core.errors import DataError
from searchctl.trainer.data.sets.base import Label
from searchctl.trainer.data.sets.files import SPLITS, Pair, PairedFiles, decode_ids, id_table
from searchctl.trainer.data.sets.listing import read_list
from searchctl.trainer.data.sets.published import camvid_frames as frames
from searchctl.trainer.data.sets.published.camvid_original import colour_table, original_pairs
from searchctl.trainer.data.sets.street_classes import CLASS_NAMES, PALETTE, VOID
from searchctl.trainer.data.settings import CamvidData, Split


class Camvid(PairedFiles):
    """CamVid in either layout, split as SegNet did, by recordings, or as the directories are.

    Ids, names and void are those of SegNet in both, so that scores can be compared.
    """

    class_names = CLASS_NAMES
    palette = PALETTE
    ignore_index = VOID

    def __init__(self, settings: CamvidData) -> None:
        self._settings, self.root = settings, settings.root
        self._values = id_table(len(CLASS_NAMES), first=0, void=VOID, ignore_index=VOID)
        self._colours = colour_table() if settings.layout == "original" else None

    def find_pairs(self) -> dict[Split, tuple[Pair, ...]]:
        """Return the pairs in the order of the lists, or by name where there are none.

        Raises:
            DataError: a list is missing or has a malformed line, a directory is missing or empty,
                or a name is of no recording.
        """
        found = [(pair, self._split(pair, given)) for pair, given in self._listed()]
        return {split: tuple(pair for pair, s in found if s == split) for split in SPLITS}

    def decode(self, mask: Picture.Image) -> Label:
        """Return the mask's values, which are the ids already, or look its colours up."""
        if self._colours is not None:
            return self._colours.decode(mask)
        return decode_ids(mask, self._values, f"0..{len(CLASS_NAMES) - 1} and {VOID} (void)")

    def group(self, split: Split, index: int) -> str:
        """Return the recording and the ten-second clip in it.

        Neighbouring clips still resemble each other; the official validation split is one or two
        groups, as it is a single stretch of seven seconds.
        """
        return frames.clip(self.names(split)[index])

    def listing_files(self) -> tuple[Path, ...]:
        """Return the lists of SegNet's layout; the original one has none."""
        root = self._settings.root
        own = self._settings.layout == "original"
        return () if own else tuple(root / f"{split}.txt" for split in SPLITS)

    def _listed(self) -> Iterator[tuple[Pair, Split | None]]:
        root = self._settings.root
        if self._settings.layout == "original":
            yield from original_pairs(root)
        else:
            for split in SPLITS:
                lines = read_list(root / f"{split}.txt")
                yield from ((_pair(root, *line), split) for line in lines)

    def _split(self, pair: Pair, given: Split | None) -> Split:
        match self._settings.split, self._settings.layout:
            case ("official", "segnet") | ("directories", _):
                return _needed(pair, given)
            case "official", _:
                rule = frames.segnet_split
            case _:
                rule = frames.recording_split
        try:
            return rule(pair.name)
        except KeyError as error:
            known = ", ".join(frames.RECORDINGS)
            recording = frames.recording(pair.name)
            raise DataError(
                f"{pair.image}: no recording of CamVid is called {recording} ({known})"
            ) from error


def _needed(pair: Pair, given: Split | None) -> Split:
    if given is None:
        raise DataError(f"{pair.image}: is in none of train/, val/ and test/: set another `split:`")
    return given


def _pair(root: Path, line: str, where: str) -> Pair:
    fields = line.split()
    if len(fields) != 2:
        raise DataError(f"{where}: expected 'image label', found '{line}'")
    image, mask = (_under(root, field) for field in fields)
    return Pair(image.stem, image, mask)


def _under(root: Path, listed: str) -> Path:
    """Take a path's last two parts: SegNet's lists start with its authors' /SegNet/CamVid."""
    return root.joinpath(*Path(listed).parts[-2:])
