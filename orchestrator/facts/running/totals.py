"""Running counts of a sweep's jobs: reading them costs the same for any number of jobs."""

import math
from collections import Counter
from collections.abc import Callable, Mapping

from searchctl.orchestrator.facts.sweeps import JobState
from searchctl.orchestrator.halving.job_key import JobKey, Kind
from searchctl.orchestrator.halving.rule import Direction


class JobTally:
    """The number of jobs of each kind, rung and state, and their finished epochs."""

    def __init__(
        self,
        done: Mapping[JobKey, JobState],
        running: Mapping[JobKey, int],
        epochs: int,
        direction: Direction,
        cohort_of: Callable[[int], int] = lambda trial: 0,
    ) -> None:
        """Start with jobs that are done, and with running ones and their finished epochs.

        Each job has `epochs` epochs, and is ranked in this `direction`.
        """
        self._cohort_of = cohort_of
        self._epochs = epochs
        self._better = max if direction == "maximize" else min
        self._ended: dict[tuple[Kind, int, int, str], JobState] = {}
        self._running: dict[JobKey, int] = {}
        self._running_on: Counter[tuple[Kind, int, int]] = Counter()
        self.epochs_over: Counter[tuple[int, int]] = Counter()
        """Finished epochs of each cohort and rung, summed over its jobs."""
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
        """Return one row for the jobs of each kind, rung and state."""
        running = (
            JobState(rung, "RUNNING", None, kind=kind, jobs=jobs, cohort=cohort)
            for (kind, cohort, rung), jobs in self._running_on.items()
        )
        return [*self._ended.values(), *running]

    def begin(self, key: JobKey) -> None:
        """Count a job as running, with no finished epoch."""
        self.lose(key)
        self._running[key] = 0
        self._running_on[key.kind, *self._place(key)] += 1

    def epoch(self, key: JobKey, over: int) -> None:
        """Set the finished epochs of a running job, including those of earlier attempts."""
        if key not in self._running:
            return
        self.epochs_over[self._place(key)] += over - self._running[key]
        self._running[key] = over

    def end(self, key: JobKey, state: str, score: float | None) -> None:
        """Count a job as done, with all its epochs: those it did not need are not expected."""
        self.lose(key)
        self.epochs_over[self._place(key)] += self._epochs
        cohort, rung = self._place(key)
        group = (key.kind, cohort, rung, state)
        others = self._ended.get(group)
        jobs = 1 + (others.jobs if others else 0)
        scores = [each for each in (others.score if others else None, score) if each is not None]
        best = self._better((each for each in scores if math.isfinite(each)), default=None)
        self._ended[group] = JobState(rung, state, best, jobs, key.kind, cohort)

    def lose(self, key: JobKey) -> None:
        """Count a job as no longer running: it may have to repeat all of its epochs."""
        over = self._running.pop(key, None)
        if over is not None:
            self._running_on[key.kind, *self._place(key)] -= 1
            self.epochs_over[self._place(key)] -= over

    def _place(self, key: JobKey) -> tuple[int, int]:
        return self._cohort_of(key.trial), key.rung
