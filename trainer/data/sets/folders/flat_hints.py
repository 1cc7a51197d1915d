"""The settings of images and masks that lie side by side in one directory."""

from collections import Counter
from collections.abc import Collection, Iterator
from pathlib import Path

from searchctl.trainer.core.errors import first_few

_LEAST = 1 / 3
"""Share of the files that must be masks by their names: half of them are, where all fit."""
_SEPARATORS = "_-."
_MASK_WORDS = ("mask", "label", "seg", "gt", "anno", "truth", "trimap", "matte")


def flat_hint(directory: Path, kinds: Collection[str]) -> str:
    """Propose the settings that tell masks from images; nothing if their names do not.

    Args:
        directory: of both.
        kinds: suffixes of images and masks, in lower case.
    """
    if not directory.is_dir():
        return ""
    files = [path for path in directory.iterdir() if path.suffix.lower() in kinds]
    stems = [path.stem for path in files]
    least = max(1, _LEAST * len(files))
    held = f"{directory} holds images and masks side by side ({first_few(sorted(stems))})"
    for setting, added in (("mask_suffix", _suffixes(stems)), ("mask_prefix", _prefixes(stems))):
        part, count = _most_common(added)
        if count >= least:
            return f"{held}: set images: ., masks: . and {setting}: {part}"
    if ends := _two_ends(stems, least):
        return f"{held}: set images: ., masks: ., image_suffix: {ends[0]}, mask_suffix: {ends[1]}"
    twice = [stem for stem, count in Counter(stems).items() if count == 2]
    if len(twice) >= least:
        return f"{held}, with equal names: move the masks into masks/, and the images into images/"
    return ""


def _suffixes(stems: Collection[str]) -> Iterator[str]:
    """Yield what a name has behind another one."""
    there = {*stems}
    for stem in there:
        ends = (place for place in range(1, len(stem)) if not stem[place].isdigit())
        yield from (stem[place:] for place in ends if stem[:place] in there)


def _prefixes(stems: Collection[str]) -> Iterator[str]:
    """Yield what a name has before another one."""
    return (each[::-1] for each in _suffixes([stem[::-1] for stem in stems]))


def _two_ends(stems: Collection[str], least: float) -> tuple[str, str] | None:
    """Return what names of images and of masks end with, where both have such an end."""
    ends = Counter(_end(stem) for stem in stems)
    common = [end for end, count in ends.most_common(2) if end and count >= least]
    masks = [end for end in common if any(word in end.lower() for word in _MASK_WORDS)]
    if len(common) < 2 or len(masks) != 1:
        return None
    (image,) = (end for end in common if end != masks[0])
    return image, masks[0]


def _end(stem: str) -> str:
    place = max(stem.rfind(separator) for separator in _SEPARATORS)
    return stem[place:] if place > 0 else ""


def _most_common(parts: Iterator[str]) -> tuple[str, int]:
    ((part, count),) = Counter(parts).most_common(1) or [("", 0)]
    return part, count
