"""Tiles that a data set's images are cut into: how many, and whether images are large enough."""

from collections.abc import Iterator, Sequence

from searchctl.trainer.data.checks.leaks import counted
from searchctl.trainer.data.checks.report import SplitReport
from searchctl.trainer.data.crop import crop_corners
from searchctl.trainer.data.resizing import Size
from searchctl.trainer.data.settings import Split


def tile_counts(splits: Sequence[SplitReport], tile: Size, overlap: float) -> dict[Split, int]:
    """Return how many tiles the readable images of each split give."""
    return {
        report.split: sum(len(crop_corners(facts.size, tile, overlap)) for facts in report.read)
        for report in splits
    }


def tile_warnings(splits: Sequence[SplitReport], tile: Size) -> Iterator[str]:
    """Report images that are smaller than a tile: each is one tile, stretched to `image_size`."""
    small = [
        f"{report.split}/{name}"
        for report in splits
        for name, facts in zip(report.names, report.facts, strict=True)
        if facts and (facts.size[0] < tile[0] or facts.size[1] < tile[1])
    ]
    if small:
        verb = "is" if len(small) == 1 else "are"
        yield (
            f"{counted(small, 'image')} {verb} smaller than a tile of {tile[0]}x{tile[1]}, and "
            "seen at another scale than full tiles: set a smaller tile"
        )
