"""What callbacks are given at the end of a sweep: all of its trials, and the finalists' masks."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from PIL import Image as Picture
from upath import UPath

from searchctl.orchestrator.artifacts.pictures import read_picture
from searchctl.orchestrator.storage.reads.ranking import RankedTrial

_FACTS = ("rank", "trial", "rung", "images", "score", "mean", "test_miou", "seconds")


@dataclass(frozen=True)
class Completed:
    """A sweep that has a winner."""

    ranked: Sequence[RankedTrial]
    """All trials with a rank, the best first."""
    pictures: Mapping[int, UPath]
    """Files with the finalists' predicted masks, by trial; some may be missing."""

    def table(self) -> tuple[list[str], list[list[Any]]]:
        """Return the columns and rows of a table of all trials."""
        params = list(dict.fromkeys(name for each in self.ranked for name in each.params))
        rows = [
            [getattr(each, name) for name in _FACTS] + [_plain(each.params.get(p)) for p in params]
            for each in self.ranked
        ]
        return [*_FACTS, *params], rows

    def csv(self) -> str:
        """Return the table as CSV."""
        columns, rows = self.table()
        written = io.StringIO()
        csv.writer(written, lineterminator="\n").writerows([columns, *rows])
        return written.getvalue()

    def masks(self) -> Iterator[tuple[int, Picture.Image]]:
        """Yield each finalist with its predicted masks beside the ground truth."""
        for trial, path in self.pictures.items():
            try:
                content = read_picture(path)
            except (OSError, ValueError):  # removed, or not drawn (report.images: 0)
                continue
            yield trial, Picture.open(io.BytesIO(content))


def _plain(value: object) -> object:
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)
