"""Contents of a wrong directory, and the setting that would fit it."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import takewhile
from pathlib import Path

from searchctl.trainer.core.errors import first_few
from searchctl.trainer.data.files.foreign import foreign_among
from searchctl.trainer.data.settings import Split

_TRIED = 5
"""Images whose masks are looked for by parts of their names."""
_SEPARATORS = "_-. "


def nothing_here(directory: Path) -> str:
    """Describe the contents of a directory that was named by mistake."""
    try:
        entries = sorted(directory.iterdir())
    except OSError:
        return f"{directory} cannot be listed; is `root` right?"
    if words := foreign_among(entries):
        return words
    directories = [f"{each.name}/" for each in entries if each.is_dir()]
    kinds = Counter(each.suffix.lower() or "other" for each in entries if each.is_file())
    files = [f"{count} {kind} files" for kind, count in kinds.most_common()]
    if not directories and not files:
        return f"{directory} is empty; is `root` right?"
    held = first_few([*directories, *files], 6)
    return f"{directory} holds {held}: set root, images and masks to what is there"


_IMAGES = ("images", "image", "imgs", "img", "jpegimages", "photos", "rgb", "inputs", "x")
_MASKS = (
    *("masks", "mask", "labels", "label", "annotations", "annotation", "gt", "groundtruth"),
    *("ground_truth", "segmentationclass", "segmentation", "targets", "y"),
)
"""Names of directories of images and of masks, in lower case."""
_TRAIN = ("train", "training")


def layout_hint(root: Path) -> str:
    """Propose the settings of a layout that a directory seems to have; nothing if none is seen."""
    below = {name.lower(): name for name in _directories(root)}
    train = next((below[name] for name in _TRAIN if name in below), None)
    if train is not None:
        below = {name.lower(): name for name in _directories(root / train)}
    image = next((below[name] for name in _IMAGES if name in below), None)
    mask = next((below[name] for name in _MASKS if name in below), None)
    if image is None or mask is None:
        return ""
    images, masks = image, mask
    if train is not None:
        images, masks = f"{{split}}/{image}", f"{{split}}/{mask}"
    elif {*map(str.lower, _directories(root / image))} & {*_TRAIN}:
        images, masks = f"{image}/{{split}}", f"{mask}/{{split}}"
    held = ", ".join(f"{name}/" for name in _directories(root))
    return f"{root} holds {held}: set images: '{images}' and masks: '{masks}'"


def _directories(place: Path) -> list[str]:
    return sorted(each.name for each in place.iterdir() if each.is_dir()) if place.is_dir() else []


def unread_hint(directory: Path) -> str:
    """Describe files of kinds that are not read, where masks were looked for."""
    kinds = Counter(each.suffix.lower() for each in directory.rglob("*") if each.is_file())
    if not kinds:
        return "it holds no masks"
    held = [f"{count} {kind or 'unnamed'} files" for kind, count in kinds.most_common()]
    return f"it holds {first_few(held)}, which are not read: convert them to PNG"


def split_hint(
    cores: Iterable[str], names: Mapping[Split, Sequence[str]], images: str, masks: str
) -> str:
    """Propose a pattern for images whose first directories are called as splits; nothing if not."""
    first = {core.split("/")[0] for core in cores if "/" in core}
    held = [name for name in names["train"] if name in first]
    if not held:
        return ""
    others = sorted(name for each in names.values() for name in each if name in first)
    return (
        f"holds {', '.join(f'{name}/' for name in others)}, which are splits: set images: "
        f"{images}/{{split}} and masks: {masks}/{{split}}"
    )


def name_hint(images: Sequence[str], masks: Sequence[str]) -> str:
    """Describe the names of masks, and propose the setting that finds them.

    >>> name_hint(["00", "01"], ["00_mask", "01_mask"])
    'it holds 00_mask, 01_mask: set mask_suffix: _mask'
    >>> name_hint(["21_training", "22_training"], ["21_manual1", "22_manual1"])
    'it holds 21_manual1, 22_manual1: set image_suffix: _training and mask_suffix: _manual1'
    >>> name_hint(["1_left", "2_left"], ["1_label", "2_label"])
    'it holds 1_label, 2_label: set image_suffix: _left and mask_suffix: _label'
    >>> name_hint(["a"], ["x", "y"])
    'it holds x, y, and images are called a'
    """
    if not masks:
        return "it holds no masks"
    folded, there = {name.casefold() for name in masks}, {*masks}
    differing = [name for name in images if name not in there and name.casefold() in folded]
    if 2 * len(differing) > len(images):
        return "names differ in capital letters: rename the masks, or the images"
    held = f"it holds {first_few(sorted(masks))}"
    best, fits = ("", "", "", ""), 0
    for parts in _candidates(images, masks):
        count = _fitting(parts, images, masks)
        if count > fits:
            best, fits = parts, count
    if 2 * fits < len(images):
        return f"{held}, and images are called {first_few(sorted(images))}"
    names = ("image_prefix", "image_suffix", "mask_prefix", "mask_suffix")
    settings = [f"{name}: {part}" for name, part in zip(names, best, strict=True) if part]
    if not settings:
        return f"{held}, in other sub-directories than those of the images: give both the same"
    return f"{held}: set {' and '.join(settings)}"


Parts = tuple[str, str, str, str]
"""Prefix and suffix of images, prefix and suffix of masks."""


def _candidates(images: Sequence[str], masks: Sequence[str]) -> Iterable[Parts]:
    for image in sorted(images)[:_TRIED]:
        for mask in masks:
            before, core, after = mask.partition(image)
            if core:
                yield "", "", before, after
            before, core, after = image.partition(mask)
            if core:
                yield before, after, "", ""
        nearest = max(masks, key=lambda mask: len(_common_start(image, mask)))
        for shared in _shared_starts(image, nearest):
            yield "", image[len(shared) :], "", nearest[len(shared) :]
        nearest = max(masks, key=lambda mask: len(_common_end(image, mask)))
        shared = _common_end(image, nearest).lstrip(_SEPARATORS)
        if shared:
            yield image[: -len(shared)], "", nearest[: -len(shared)], ""


def _shared_starts(one: str, other: str) -> Iterable[str]:
    """Yield what two names start with, to the end of a word first: 01 of 01_left and 01_label."""
    same = _common_start(one, other).rstrip(_SEPARATORS)
    word = max(same.rfind(separator) for separator in _SEPARATORS)
    return [start for start in (same[: max(word, 0)], same) if start]


def _common_end(one: str, other: str) -> str:
    return _common_start(one[::-1], other[::-1])[::-1]


def _common_start(one: str, other: str) -> str:
    same = takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False))
    return "".join(letter for letter, _ in same)


def _fitting(parts: Parts, images: Sequence[str], masks: Sequence[str]) -> int:
    """Return how many images have a mask if names have these parts."""
    image_prefix, image_suffix, mask_prefix, mask_suffix = parts
    there = {*masks}
    cores = (
        name[len(image_prefix) : len(name) - len(image_suffix)]
        for name in images
        if name.startswith(image_prefix) and name.endswith(image_suffix)
    )
    return sum(f"{mask_prefix}{core}{mask_suffix}" in there for core in cores)
