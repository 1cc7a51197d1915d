"""Reads the epochs that a script reports: a file of JSON lines that grows while it runs."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from searchctl.trainer.core.errors import SettingsError
from searchctl.trainer.core.results import EpochRecord

FILE = "report.jsonl"


@dataclass(frozen=True)
class Report:
    """One line."""

    epoch: int
    values: dict[str, Any]

    def number(self, name: str) -> float | None:
        """Return a number of the report; None if it has none of that name.

        Raises:
            SettingsError: it is no number.
        """
        value = self.values.get(name)
        if isinstance(value, bool) or not isinstance(value, (int, float, type(None))):
            raise SettingsError(f"epoch {self.epoch} reports {name} {value!r}, not a number")
        return None if value is None else float(value)

    def file(self, name: str) -> str | None:
        """Return the name of a file of the report; None if it names none."""
        value = self.values.get(name)
        return None if value is None else str(value)

    def record(self, *, images: int, seconds: float) -> EpochRecord:
        """Return the epoch as it is stored.

        Args:
            images: training samples, unless the report states how many were seen.
            seconds: since the report before, unless the report states the epoch's.
        """
        return EpochRecord(
            self.epoch,
            train_loss=self.number("train_loss"),
            lr=self.number("lr") or 0.0,
            images=int(self.number("images") or images),
            seconds=self.number("seconds") or seconds,
            val_loss=self.number("val_loss"),
            val_miou=self.number("val_miou"),
            val_accuracy=self.number("val_accuracy"),
            scores=self._other_scores() or None,
        )

    def _other_scores(self) -> dict[str, float | None]:
        """Return the numbers that have no field of their own."""
        fields = EpochRecord.__dataclass_fields__
        return {
            name: self.number(name)
            for name, value in self.values.items()
            if name not in fields and isinstance(value, (int, float)) and value is not True
        }


class ReportFile:
    """A file of reports, read as it grows."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read = 0
        self._lines = 0

    def new(self, *, ended: bool = False) -> list[Report]:
        """Return the reports that were added since the last call.

        Args:
            ended: no more are written, so that a last line without its end counts too.

        Raises:
            SettingsError: a line is no report; it names the line.
        """
        try:
            with self._path.open("rb") as file:
                file.seek(self._read)
                added = file.read()
        except FileNotFoundError:
            return []
        whole = added if ended else added[: added.rfind(b"\n") + 1]
        self._read += len(whole)
        return [report for line in whole.splitlines() if (report := self._report(line))]

    def _report(self, line: bytes) -> Report | None:
        self._lines += 1
        if not line.strip():
            return None
        try:
            return parsed(line)
        except ValueError as error:
            raise SettingsError(f"{self._path.name}:{self._lines} {error}") from None


def parsed(line: bytes) -> Report:
    """Return the report of a line.

    Raises:
        ValueError: it is none.
    """
    try:
        values = json.loads(line)
    except ValueError:
        raise ValueError(f"is no JSON: {line[:80].decode(errors='replace')}") from None
    if not isinstance(values, dict):
        raise ValueError('is no JSON object, such as {"epoch": 3, "val_miou": 0.41}')
    epoch = values.pop("epoch", None)
    if not isinstance(epoch, int) or isinstance(epoch, bool) or epoch < 1:
        raise ValueError(f"needs `epoch`, a whole number from 1, not {epoch!r}")
    return Report(epoch, values)


def merged(earlier: Sequence[Report], report: Report) -> list[Report]:
    """Return the reports of a training after another one: a repeated epoch replaces all from it on.

    >>> reports = [Report(1, {}), Report(2, {"val_loss": 1.0}), Report(3, {})]
    >>> [each.epoch for each in merged(reports, Report(2, {"val_loss": 2.0}))]
    [1, 2]
    """
    return [*(each for each in earlier if each.epoch < report.epoch), report]


def best(reports: Sequence[Report], score: str, higher_is_better: bool) -> Report:
    """Return the report with the best score; of equal ones the earliest.

    Raises:
        SettingsError: none has the score, or a finite one.
    """
    scored = [each for each in reports if each.number(score) is not None]
    finite = [each for each in scored if math.isfinite(each.number(score) or 0)]
    if not finite:
        known = sorted({name for each in reports for name in each.values})
        what = f"its reports have only {', '.join(known)}" if known else "it reported no epoch"
        raise SettingsError(
            f"the script never reported the score {score}; {what}. Report each epoch: "
            f"searchctl.report_epoch(epoch=1, {score}=0.41), or append the line "
            f'{{"epoch": 1, "{score}": 0.41}} to the file named by $SEARCHCTL_REPORT'
        )
    sign = -1 if higher_is_better else 1
    return min(finite, key=lambda each: (sign * (each.number(score) or 0.0), each.epoch))
