"""A logger of one's own: searchctl knows it as my_loggers:JsonLines."""

import json
from pathlib import Path
from typing import Any


class JsonLines:
    """Appends one line of JSON for each epoch and score of a sweep.

    Args:
        sweep: name of the sweep, given by searchctl.
        file: where the lines are appended.
    """

    def __init__(self, sweep: str, file: str) -> None:
        self._sweep = sweep
        self._file = Path(file)

    def epoch(self, run: str, params: dict[str, Any], step: int, values: dict[str, float]) -> None:
        """Write the numbers of an epoch."""
        self._write(run=run, step=step, **values)

    def score(self, run: str, params: dict[str, Any], step: int, score: float) -> None:
        """Write the score of a job: of a trial on one rung."""
        self._write(run=run, step=step, score=score, params=params)

    def _write(self, **line: Any) -> None:
        with self._file.open("a", encoding="utf-8") as file:
            print(json.dumps({"sweep": self._sweep, **line}, default=str), file=file)
