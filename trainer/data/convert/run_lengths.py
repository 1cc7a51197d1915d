"""COCO's run lengths: plain lists, or packed strings."""

from collections.abc import Iterator, Mapping
from typing import Any

from searchctl.trainer.data.convert.json_file import member


def runs_of(held: Mapping[str, Any], size: tuple[int, int]) -> tuple[int, ...]:
    """Return the run lengths of a segmentation.

    Args:
        held: `counts`, and `size` as [height, width].
        size: height and width of the image.

    Raises:
        ValueError: they are not of this size, or not whole numbers from 0.
    """
    height, width = size
    if (stated := member(held, "size", list)) != [height, width]:
        raise ValueError(f"has run lengths of the size {stated}, and its image is {[*size]}")
    counts = member(held, "counts", list, str)
    runs = tuple(unpacked(counts) if isinstance(counts, str) else counts)
    if not all(isinstance(run, int) and run >= 0 for run in runs):
        raise ValueError("has run lengths that are not whole numbers from 0: export it again")
    if sum(runs) != height * width:
        raise ValueError(f"has run lengths of {sum(runs)} pixels, not of {height}x{width}")
    return runs


def unpacked(counts: str) -> Iterator[int]:
    """Yield the run lengths of a packed string: five bits a character, differences from the third.

    It is the format of `rleToString` in COCO's own maskApi.c: the sixth bit says that a number is
    continued, and the fifth bit of its last character is the sign.
    """
    earlier: list[int] = []
    number = shift = 0
    for code in counts.encode():
        bits = code - 48
        number |= (bits & 0x1F) << shift
        shift += 5
        if bits & 0x20:
            continue
        if bits & 0x10:
            number -= 1 << shift
        if len(earlier) > 2:
            number += earlier[-2]
        earlier.append(number)
        yield number
        number = shift = 0
