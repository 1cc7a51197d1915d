"""Looks at every image and label of a data set: what is in it, what is broken, what leaks."""

import hashlib
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

import numpy as np
import numpy.typing as npt

from searchctl.trainer.core.errors import DataError, first_few
from searchctl.trainer.data.sets.base import Dataset
from searchctl.trainer.data.sets.files import SPLITS
from searchctl.trainer.data.settings import Split

BINS = 10
"""Bars of the histogram of unlabeled shares."""
OnImage = Callable[[int, int], None]
"""Told (done, all) after each image."""
Counts = npt.NDArray[np.int64]
Shares = npt.NDArray[np.float64]


@dataclass(frozen=True)
class ImageFacts:
    """What one image and its label hold."""

    size: tuple[int, int]
    """Height and width of the image in pixels."""
    pixels: Counts
    """[classes] pixels of the label that are of each class; in classification it has one pixel."""
    unlabeled: int
    """Pixels of the label that are of no class."""
    digest: bytes
    """Equal for images of equal pixels."""


@dataclass(frozen=True)
class SplitReport:
    """What the images of one split hold, as far as they can be read."""

    split: Split
    names: tuple[str, ...]
    groups: tuple[str, ...]
    """Group (clip, city, scene) of each image."""
    facts: tuple[ImageFacts | None, ...]
    """Of each image; None for one that cannot be read."""
    classes: int

    @cached_property
    def read(self) -> tuple[ImageFacts, ...]:
        """The images that can be read."""
        return tuple(facts for facts in self.facts if facts)

    def spread(self, count: int) -> list[int]:
        """Return the positions of up to so many images that can be read, evenly spread."""
        readable = [index for index, facts in enumerate(self.facts) if facts]
        last, count = len(readable) - 1, min(count, len(readable))
        return [readable[each * last // max(1, count - 1)] for each in range(count)]

    @property
    def sizes(self) -> dict[tuple[int, int], int]:
        """How many images have each height and width, the most frequent size first."""
        return dict(Counter(facts.size for facts in self.read).most_common())

    @property
    def class_shares(self) -> Shares:
        """The share of each class in all labeled pixels: [classes]."""
        total = self._pixels.sum(axis=0)
        shares: Shares = total / max(1, total.sum())
        return shares

    @property
    def class_images(self) -> Counts:
        """In how many images each class occurs: [classes]."""
        images: Counts = (self._pixels > 0).sum(axis=0)
        return images

    @property
    def unlabeled_share(self) -> float:
        """The share of pixels of no class in the pixels of all labels."""
        unlabeled = sum(facts.unlabeled for facts in self.read)
        return unlabeled / max(1, unlabeled + int(self._pixels.sum()))

    @cached_property
    def unlabeled(self) -> Shares:
        """The share of pixels of no class in each image that can be read: [images]."""
        unlabeled = np.array([facts.unlabeled for facts in self.read], dtype=np.float64)
        shares: Shares = unlabeled / (unlabeled + self._pixels.sum(axis=1))
        return shares

    @property
    def histogram(self) -> Counts:
        """In how many images the unlabeled share is in each tenth: [BINS]; 1 is in the last."""
        return np.histogram(self.unlabeled, bins=BINS, range=(0, 1))[0]

    @cached_property
    def _pixels(self) -> Counts:
        rows = [facts.pixels for facts in self.read]
        return np.array(rows, dtype=np.int64).reshape(len(rows), self.classes)


@dataclass(frozen=True)
class DataReport:
    """What a data set holds."""

    class_names: tuple[str, ...]
    splits: tuple[SplitReport, ...]
    """train, val and test."""
    problems: tuple[str, ...]
    """What no sweep can be launched with: each missing, broken or unfit file by its path."""
    warnings: tuple[str, ...]
    """What makes scores worth less than they seem."""


def check_data(dataset: Dataset, on_image: OnImage = lambda done, total: None) -> DataReport:
    """Decode every image and label of every split, on all cores, and say what they hold.

    What is wrong with the data raises nothing: all of it is in the report.
    """
    problems = _Problems()
    with problems.noted():
        dataset.check()
    names: dict[Split, tuple[str, ...]] = dict.fromkeys(SPLITS, ())
    class_names: tuple[str, ...] = ()
    for split in SPLITS:
        with problems.noted():
            class_names, names[split] = dataset.class_names, dataset.names(split)
    if not problems:
        problems.add(
            f"the {split} split holds no images" for split in SPLITS[:2] if not names[split]
        )
    facts = _read(dataset, names, problems, on_image)
    splits = tuple(
        _report(dataset, split, names[split], facts[split], len(class_names)) for split in SPLITS
    )
    warnings = (*_absences(splits, class_names), *_leaks(splits))
    return DataReport(class_names, splits, tuple(problems.lines), warnings)


class _Problems:
    """Lines, each once, in the order in which they were found."""

    def __init__(self) -> None:
        self.lines: dict[str, None] = {}

    def add(self, lines: Iterable[str]) -> None:
        self.lines.update(dict.fromkeys(lines))

    @contextmanager
    def noted(self) -> Iterator[None]:
        """Take note of a DataError, and go on after the block."""
        try:
            yield
        except DataError as error:
            self.add(str(error).splitlines())


def _read(
    dataset: Dataset,
    names: Mapping[Split, Sequence[str]],
    problems: _Problems,
    on_image: OnImage,
) -> dict[Split, list[ImageFacts | None]]:
    """Return what each image holds; None, with the problem noted, for one that cannot be read."""
    tasks = [(split, index) for split in SPLITS for index in range(len(names[split]))]
    found: dict[Split, list[ImageFacts | None]] = {split: [] for split in SPLITS}
    pool = ThreadPoolExecutor(os.cpu_count())
    try:
        futures = [pool.submit(_facts, dataset, *task) for task in tasks]
        for done, ((split, _), future) in enumerate(zip(tasks, futures, strict=True), 1):
            facts = None
            with problems.noted():
                facts = future.result()
            found[split].append(facts)
            on_image(done, len(tasks))
    finally:
        pool.shutdown(cancel_futures=True)
    return found


def _facts(dataset: Dataset, split: Split, index: int) -> ImageFacts:
    image, label = dataset.load(split, index)
    pixels = np.bincount(label.ravel(), minlength=256)
    return ImageFacts(
        (image.shape[0], image.shape[1]),
        pixels[: len(dataset.class_names)],
        int(pixels[dataset.ignore_index]),
        hashlib.blake2b(image.tobytes(), digest_size=16).digest(),
    )


def _report(
    dataset: Dataset,
    split: Split,
    names: tuple[str, ...],
    facts: Sequence[ImageFacts | None],
    classes: int,
) -> SplitReport:
    groups = tuple(dataset.group(split, index) for index in range(len(names)))
    return SplitReport(split, names, groups, tuple(facts), classes)


def _absences(splits: Sequence[SplitReport], class_names: tuple[str, ...]) -> Iterator[str]:
    """Say which classes a split does not hold, and which of its images hold none."""
    for report in splits:
        absent = [
            name
            for name, images in zip(class_names, report.class_images, strict=True)
            if not images
        ]
        if report.read and absent and report.split != "test":
            yield f"no image of {report.split} holds {first_few(absent, 8)}"
        empty = [
            name
            for name, facts in zip(report.names, report.facts, strict=True)
            if facts and not facts.pixels.any()
        ]
        if empty:
            yield f"{report.split} has {_counted(empty, 'image')} without any labeled pixel"


def _leaks(splits: Sequence[SplitReport]) -> Iterator[str]:
    """Say what two splits have in common: equal images, names, groups."""
    for one, other in combinations(splits, 2):
        where = f"{one.split} and {other.split} share"
        first, second = _by_digest(one), _by_digest(other)
        equal = {first[digest]: second[digest] for digest in first if digest in second}
        if equal:
            pairs = [name if name == twin else f"{name} = {twin}" for name, twin in equal.items()]
            yield f"{where} {_counted(pairs, 'equal image')}"
        names = [name for name in one.names if name in {*other.names} - {*equal}]
        if names:
            yield f"{where} {_counted(names, 'name')} of different images"
        groups = sorted({*one.groups} & {*other.groups} - {*one.names})
        if groups:
            yield f"{where} {_counted(groups, 'group')} of images, which resemble each other"


def _by_digest(report: SplitReport) -> dict[bytes, str]:
    pairs = zip(report.names, report.facts, strict=True)
    return {facts.digest: name for name, facts in pairs if facts}


def _counted(names: Sequence[str], noun: str) -> str:
    return f"{len(names)} {noun}{'s' * (len(names) != 1)} ({first_few(names)})"
