"""Images, names and groups that two splits share."""

from collections.abc import Iterator, Sequence
from itertools import combinations

import numpy as np
import numpy.typing as npt

from searchctl.trainer.core.errors import first_few
from searchctl.trainer.data.checks.report import SplitReport
from searchctl.trainer.data.facts.image_facts import ImageFacts

_MOST_BITS = 12
"""Largest difference of near images, in bits of their hashes of 256. Unrelated photographs
differ in about 128, neighbouring frames of a slow clip in 5 to 40."""
_LEAST_STEPS = 24
"""A hash with fewer steps to either side is of a picture without contents."""
_COMPARED = 1 << 20
"""Pairs of images that are compared at once, to bound memory."""


def leaks(splits: Sequence[SplitReport]) -> Iterator[str]:
    """Report what two splits share: equal images, names, groups."""
    for report in splits:
        yield from _contradictions(report)
    for one, other in combinations(splits, 2):
        where = f"{one.split} and {other.split} share"
        first, second = _by_digest(one), _by_digest(other)
        equal = {first[digest]: second[digest] for digest in first if digest in second}
        if equal:
            pairs = [name if name == twin else f"{name} = {twin}" for name, twin in equal.items()]
            yield f"{where} {counted(pairs, 'equal image')}"
        near = _near_pairs(one, other)
        if near:
            pairs = [f"{name} = {twin}" for name, twin in near]
            yield (
                f"{where} {counted(pairs, 'pair')} of nearly equal images: scores on {other.split} "
                "are too good; keep what belongs together in one split (`group`)"
            )
        others = {*other.names} - {*equal}
        names = [name for name in one.names if name in others]
        if names:
            yield f"{where} {counted(names, 'name')} of different images"
        groups = sorted({*one.groups} & {*other.groups} - {*one.names})
        if groups:
            yield f"{where} {counted(groups, 'group')} of images, which resemble each other"


def _contradictions(report: SplitReport) -> Iterator[str]:
    """Report equal images of one split whose labels differ."""
    first: dict[bytes, tuple[str, ImageFacts]] = {}
    pairs = []
    for name, facts in zip(report.names, report.facts, strict=True):
        if facts:
            twin, known = first.setdefault(facts.digest, (name, facts))
            if known.label_digest != facts.label_digest:
                pairs.append(f"{twin} = {name}")
    if pairs:
        yield f"{report.split} holds {counted(pairs, 'equal image')} with different labels"


def _by_digest(report: SplitReport) -> dict[bytes, str]:
    pairs = zip(report.names, report.facts, strict=True)
    return {facts.digest: name for name, facts in pairs if facts}


def counted(names: Sequence[str], noun: str) -> str:
    """Return a count with a noun and the first names.

    >>> counted(["a", "b"], "image")
    '2 images (a, b)'
    """
    return f"{len(names)} {noun}{'s' * (len(names) != 1)} ({first_few(names)})"


def _near_pairs(one: SplitReport, other: SplitReport) -> list[tuple[str, str]]:
    """Return names of nearly equal images, each image of `other` once; equal ones left out."""
    first, second = _hashes(one), _hashes(other)
    if not first or not second:
        return []
    bits, twins = (np.frombuffer(b"".join(h for _, h, _ in e), np.uint64) for e in (first, second))
    bits, twins = bits.reshape(len(first), -1), twins.reshape(len(second), -1)
    pairs = []
    rows = max(1, _COMPARED // len(first))
    for start in range(0, len(second), rows):
        distances = _distances(twins[start : start + rows], bits)
        nearest = distances.argmin(axis=1)
        for row, place in enumerate(nearest):
            name, _, digest = first[place]
            twin, _, other_digest = second[start + row]
            if distances[row, place] <= _MOST_BITS and digest != other_digest:
                pairs.append((name, twin))
    return pairs


def _distances(
    some: npt.NDArray[np.uint64], others: npt.NDArray[np.uint64]
) -> npt.NDArray[np.uint16]:
    """Return in how many bits hashes differ: [some, others]."""
    distances = np.zeros((len(some), len(others)), dtype=np.uint16)
    for word in range(some.shape[1]):
        distances += np.bitwise_count(some[:, word, None] ^ others[None, :, word])
    return distances


def _hashes(report: SplitReport) -> list[tuple[str, bytes, bytes]]:
    """Return name, hash and digest of each image with contents."""
    pairs = zip(report.names, report.facts, strict=True)
    return [
        (name, facts.near, facts.digest)
        for name, facts in pairs
        if facts and _LEAST_STEPS <= int.from_bytes(facts.near).bit_count() <= 256 - _LEAST_STEPS
    ]
