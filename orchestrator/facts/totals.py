"""Counts a sweep's jobs as they change: a look at it costs the same, however many there are."""

import math
from collections import Counter
from collections.abc import Mapping

from searchctl.orchestrator.facts.sweeps import JobState
from searchctl.orchestrator.halving.job_key import JobKey, Kind
from searchctl.orchestrator.halving.rule import Direction


class JobTally:
    """How many jobs there are of each kind, rung and state, and the epochs that are behind them."""

    def __init__(
        self,
        done: Mapping[JobKey, JobState],
        running: Mapping[JobKey, int],
        epochs: int,
        direction: Direction,
    ) -> None:
        """Begin with jobs that are done, and with running ones and their epochs.

        Each job has `epochs` epochs, and is ranked in this `direction`.
        """
        self._epochs = epochs
        self._better = max if direction == "maximize" else min
        self._ended: dict[tuple[Kind, int, str], JobState] = {}
        self._running: dict[JobKey, int] = {}
        self._running_on: Counter[tuple[Kind, int]] = Counter()
        self.epochs_over: Counter[int] = Counter()
        """Of each rung, summed over its jobs."""
        for key, state in done.items():
            self.end(key, state.state, state.score)
        for key, over in running.items():
            self.begin(key)
            self.epoch(key, over)

    @property
    def running(self) -> int:
        """Jobs that run now."""
        return len(self._running)

    def states(self) -> list[JobState]:
        """Return the jobs, those of one kind, rung and state as one row."""
        running = (
            JobState(rung, "RUNNING", None, kind=kind, jobs=jobs)
            for (kind, rung), jobs in self._running_on.items()
        )
        return [*self._ended.values(), *running]

    def begin(self, key: JobKey) -> None:
        """Count a job as running, from its first epoch on."""
        self.lose(key)
        self._running[key] = 0
        self._running_on[key.kind, key.rung] += 1

    def epoch(self, key: JobKey, over: int) -> None:
        """Count so many epochs of a job, if it runs, those of its earlier attempts among them."""
        if key not in self._running:
            return
        self.epochs_over[key.rung] += over - self._running[key]
        self._running[key] = over

    def end(self, key: JobKey, state: str, score: float | None) -> None:
        """Count a job as done, with all its epochs: what it did not need is not expected."""
        self.lose(key)
        self.epochs_over[key.rung] += self._epochs
        group = (key.kind, key.rung, state)
        others = self._ended.get(group)
        jobs = 1 + (others.jobs if others else 0)
        scores = [each for each in (others.score if others else None, score) if each is not None]
        best = self._better((each for each in scores if math.isfinite(each)), default=None)
        self._ended[group] = JobState(key.rung, state, best, kind=key.kind, jobs=jobs)

    def lose(self, key: JobKey) -> None:
        """Count a job as running no more, if it is: it may have to do all its epochs once more."""
        over = self._running.pop(key, None)
        if over is not None:
            self._running_on[key.kind, key.rung] -= 1
            self.epochs_over[key.rung] -= over
