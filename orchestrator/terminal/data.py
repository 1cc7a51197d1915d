"""Contents of a data set as tables and as JSON values."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from searchctl.orchestrator.terminal.display import plain_table
from searchctl.trainer.data.checks.inventory import line_of
from searchctl.trainer.data.checks.report import BINS, DataReport, SplitReport

_LISTED = 3
"""More distinct sizes than this are shown as a range."""
_BAR = 10
"""Characters of the longest bar."""


def tables_of(report: DataReport) -> Iterator[RenderableType]:
    """Yield the tables of a report: splits, classes, and unlabeled pixels if there are any."""
    splits = [split for split in report.splits if split.names]
    if not splits:
        return
    yield _split_table(splits)
    yield _class_table(report, splits)
    if report.unused:
        yield _unused_table(report)
    if any(split.unlabeled_share for split in splits):
        yield _unlabeled_table(splits)


def json_of(report: DataReport) -> dict[str, Any]:
    """Return a report as JSON values."""
    return {
        "classes": list(report.class_names),
        "splits": {split.split: _json_of(split, report.class_names) for split in report.splits},
        "unused": [
            {"directory": each.directory, "suffix": each.suffix, "files": len(each.names)}
            for each in report.unused
        ],
        **({"tiles": dict(report.tiles)} if report.tiles else {}),
        "problems": list(report.problems),
        "warnings": list(report.warnings),
    }


def sizes_of(split: SplitReport) -> str:
    """Return the sizes (height x width) of a split's images: each with its count, or their range.

    >>> from searchctl.trainer.data.facts.image_facts import ImageFacts
    >>> of = lambda *size: ImageFacts(size, np.array([1]), 0, b"")
    >>> sizes_of(SplitReport("val", ("a",) * 3, ("a",) * 3, (of(4, 5), of(4, 5), of(9, 8)), 1))
    '2 of 4x5, 1 of 9x8'
    """
    sizes = split.sizes
    if len(sizes) == 1:
        ((height, width),) = sizes
        return f"{height}x{width}"
    if len(sizes) <= _LISTED:
        return ", ".join(f"{count} of {height}x{width}" for (height, width), count in sizes.items())
    heights, widths = zip(*sizes, strict=True)
    return f"{len(sizes)} sizes, {min(heights)} to {max(heights)} x {min(widths)} to {max(widths)}"


def _split_table(splits: list[SplitReport]) -> Table:
    headers = ("split", "images", "read", "groups", "height x width")
    table = plain_table(*headers, left=["split", "height x width"])
    for split in splits:
        counts = (len(split.names), len(split.read), len(set(split.groups)))
        table.add_row(split.split, *map(str, counts), sizes_of(split))
    return table


def _class_table(report: DataReport, splits: list[SplitReport]) -> Table:
    headers = [header for split in splits for header in (split.split, "images")]
    table = plain_table("class", *headers, left=["class"])
    shares = [split.class_shares for split in splits]
    images = [split.class_images for split in splits]
    for number, name in enumerate(report.class_names):
        cells = [
            cell
            for share, count in zip(shares, images, strict=True)
            for cell in (_percent(share[number]), str(count[number]))
        ]
        table.add_row(name, *cells)
    return table


def _unused_table(report: DataReport) -> Table:
    table = plain_table("not read", left=["not read"])
    for each in report.unused:
        table.add_row(line_of(each))
    return table


def _unlabeled_table(splits: list[SplitReport]) -> Table:
    """Draw the share of unlabeled pixels, and its histogram over the images."""
    table = plain_table("unlabeled", left=["unlabeled"])
    for split in splits:
        table.add_column(split.split, justify="left")
    rows = (
        ("all pixels", [split.unlabeled_share for split in splits]),
        ("image: mean", [_of(np.mean, split) for split in splits]),
        ("image: median", [_of(np.median, split) for split in splits]),
        ("image: most", [_of(np.max, split) for split in splits]),
    )
    for name, values in rows:
        table.add_row(name, *map(_percent, values))
    histograms = [split.histogram for split in splits]
    for number in range(
        max(int(np.flatnonzero(each)[-1]) for each in histograms if each.any()) + 1
    ):
        counts = [(histogram[number], histogram.max()) for histogram in histograms]
        low, high = 100 * number // BINS, 100 * (number + 1) // BINS
        table.add_row(f"{low:>3} to {high:>3} %", *(_bar(*count) for count in counts))
    return table


def _of(statistic: Any, split: SplitReport) -> float:
    return float(statistic(split.unlabeled)) if split.read else 0.0


def _bar(count: int, largest: int) -> Text:
    if not count:
        return Text("")
    return Text(f"{'█' * max(1, round(_BAR * count / largest))} {count}")


def _percent(share: float) -> str:
    """Return a share in percent, with at least one digit that is not zero.

    >>> _percent(0.123), _percent(0.00012), _percent(0)
    ('12.3 %', '0.01 %', '0 %')
    """
    if not share:
        return "0 %"
    return f"{100 * share:.1f} %" if share >= 0.001 else f"{100 * share:.1g} %"


def _json_of(split: SplitReport, class_names: tuple[str, ...]) -> dict[str, Any]:
    named = zip(class_names, split.class_shares, split.class_images, strict=True)
    return {
        "images": len(split.names),
        "read": len(split.read),
        "groups": len(set(split.groups)),
        "sizes": {f"{height}x{width}": count for (height, width), count in split.sizes.items()},
        "classes": {
            name: {"share": float(share), "images": int(images)} for name, share, images in named
        },
        "unlabeled": {
            "share": split.unlabeled_share,
            "mean": _of(np.mean, split),
            "median": _of(np.median, split),
            "most": _of(np.max, split),
            "histogram": split.histogram.tolist(),
        },
    }
