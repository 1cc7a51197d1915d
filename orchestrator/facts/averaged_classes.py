"""Over which classes a mean IoU averages: those that the labels of its split hold."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from searchctl.orchestrator.storage.rows import ClassScoreRow
from searchctl.trainer.core.errors import first_few


def averaged_classes(classes: Sequence[str], held: Mapping[str, Collection[int]]) -> Iterator[str]:
    """Say over which classes the mean IoU of validation is, and which other splits differ.

    Args:
        classes: names of all classes.
        held: split (val, test, ...) -> numbers of the classes that its labels hold.

    >>> list(averaged_classes(["sky", "road"], {"val": [0], "test": [0, 1]}))
    ['val mIoU is the mean over 1 of 2 classes: no val label holds road', \
'test mIoU averages over other classes than val: also road']
    >>> list(averaged_classes(["sky", "road"], {"val": [0, 1], "test": [0, 1]}))
    []
    """
    of_val = {*held.get("val", ())}
    absent = [name for number, name in enumerate(classes) if number not in of_val]
    if of_val and absent:
        yield (
            f"val mIoU is the mean over {len(of_val)} of {len(classes)} classes: no val label "
            f"holds {first_few(absent)}"
        )
    for split, numbers in held.items():
        also = [classes[number] for number in sorted({*numbers} - of_val)]
        without = [classes[number] for number in sorted(of_val - {*numbers})]
        if split != "val" and of_val and (also or without):
            parts = [f"{word} {first_few(each)}" for word, each in _named(also, without) if each]
            yield f"{split} mIoU averages over other classes than val: {', '.join(parts)}"


def held_classes(rows: Iterable[ClassScoreRow]) -> dict[str, list[int]]:
    """Return the classes that each split's labels hold, from the scores of one job."""
    held: dict[str, list[int]] = {}
    for row in rows:
        held.setdefault(row.split, [])
        if row.iou is not None:
            held[row.split].append(row.class_id)
    return held


def _named(also: list[str], without: list[str]) -> tuple[tuple[str, list[str]], ...]:
    return ("also", also), ("without", without)
