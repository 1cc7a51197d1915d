"""Ways to order the jobs of a search on a cluster, compared by `compare_orders.py`."""

from bisect import bisect_left, insort
from collections.abc import Callable
from fractions import Fraction
from heapq import heappop, heappush
from itertools import count
from typing import Protocol

from searchctl.orchestrator.halving.bracket import Bracket, BracketJob
from searchctl.orchestrator.halving.rule import Ladder, Outcome, plan_ladder

Job = tuple[int, int]
"""Trial and rung."""
IMAGES = 2975
RUNGS = 5


class Source(Protocol):
    """What a cluster pulls jobs from."""

    def next_job(self) -> Job | None:
        """Return the next job; None if there is none before the next result."""

    def record(self, trial: int, rung: int, score: float, seconds: float) -> None:
        """Take the result of a job."""


def ladder_of(trials: int) -> Ladder:
    """Return a ladder of five rungs, from 1/16 of the images, with one trial in 16 at its end."""
    return plan_ladder(trials, IMAGES, finalists=trials // 16)


class Barrier:
    """searchctl's own bracket: each cut waits for the last job of its rung."""

    def __init__(self, ladder: Ladder) -> None:
        self._bracket = Bracket(ladder, "maximize")

    @property
    def finished(self) -> bool:
        """Whether the last decision is made."""
        return self._bracket.finished

    def next_job(self) -> Job | None:
        """Return the bracket's next job."""
        job = self._bracket.next_job()
        return (job.trial, job.rung.number) if isinstance(job, BracketJob) else None

    def record(self, trial: int, rung: int, score: float, seconds: float) -> None:
        """Report the outcome to the bracket."""
        self._bracket.record(Outcome(trial, rung, score, seconds=seconds))


class EarlyPromotion:
    """The same decisions, but a trial starts on the next rung as soon as its promotion is certain.

    That is when it would survive even if all trials of the rung without a result were better.
    """

    def __init__(self, ladder: Ladder) -> None:
        self._rungs = ladder.rungs
        self._waiting: list[tuple[int, float, int]] = [(0, 0.0, t) for t in range(ladder.trials)]
        self._ranked: list[list[tuple[float, int, float]]] = [[] for _ in self._rungs]
        self.promoted: list[list[int]] = [[] for _ in self._rungs]
        """The trials that each rung has promoted."""

    @property
    def finished(self) -> bool:
        """Whether the last rung has all of its results."""
        return len(self._ranked[-1]) == self._rungs[-1].trials

    def next_job(self) -> Job | None:
        """Return the waiting job of the lowest rung; within a rung, of the slowest trial."""
        if not self._waiting:
            return None
        rung, _, trial = self._waiting.pop(0)
        return trial, rung

    def record(self, trial: int, rung: int, score: float, seconds: float) -> None:
        """Take an outcome, and promote the trial whose promotion it makes certain, if any."""
        ranked, new = self._ranked[rung], (-score, trial, seconds)
        insort(ranked, new)
        if rung + 1 == len(self._rungs):
            return
        missing = self._rungs[rung].trials - len(ranked)
        certain = self._rungs[rung + 1].trials - missing
        if certain > 0:
            # all before it are promoted already: each result makes one more promotion certain
            _, trial, seconds = min(new, ranked[certain - 1])
            self.promoted[rung].append(trial)
            insort(self._waiting, (rung + 1, -seconds, trial))


class Cohorts:
    """Several ladders. A cohort opens once all cohorts before the last `lag` ones are closed.

    Jobs of older cohorts come first.
    """

    def __init__(
        self, cohorts: int, trials: int, lag: int, one: Callable[[Ladder], Barrier | EarlyPromotion]
    ) -> None:
        self._ladder, self._lag, self._left = ladder_of(trials // cohorts), lag, cohorts
        self._new = one
        self._cohorts: list[Barrier | EarlyPromotion] = []

    def next_job(self) -> Job | None:
        """Return the next job of the oldest cohort that has one."""
        opened = len(self._cohorts)
        if self._left and all(each.finished for each in self._cohorts[: opened - self._lag + 1]):
            self._cohorts.append(self._new(self._ladder))
            self._left -= 1
        for number, cohort in enumerate(self._cohorts):
            if job := cohort.next_job():
                return number * self._ladder.trials + job[0], job[1]
        return None

    def record(self, trial: int, rung: int, score: float, seconds: float) -> None:
        """Report the outcome to the trial's cohort."""
        number, own = divmod(trial, self._ladder.trials)
        self._cohorts[number].record(own, rung, score, seconds)


class Asha:
    """Asynchronous successive halving (Li et al., MLSys 2020), for the same work as one ladder.

    A free worker takes the highest job: the best trial that is in the better half of the results of
    its rung so far, and else a new trial. It has no end of its own.
    """

    def __init__(self, trials: int) -> None:
        self._left = ladder_of(trials).full_trainings
        self._new = count()
        self._ranked: list[list[tuple[float, int]]] = [[] for _ in range(RUNGS)]
        self._unpromoted: list[list[tuple[float, int]]] = [[] for _ in range(RUNGS - 1)]

    def next_job(self) -> Job | None:
        """Return a promotion, the highest first, or a new trial."""
        for rung in reversed(range(RUNGS - 1)):
            if self._is_promotable(rung) and self._take(rung + 1):
                return heappop(self._unpromoted[rung])[1], rung + 1
        return (next(self._new), 0) if self._take(0) else None

    def record(self, trial: int, rung: int, score: float, seconds: float) -> None:
        """Take the result."""
        insort(self._ranked[rung], (-score, trial))
        if rung + 1 < RUNGS:
            heappush(self._unpromoted[rung], (-score, trial))

    def _is_promotable(self, rung: int) -> bool:
        ranked, best = self._ranked[rung], self._unpromoted[rung][:1]
        return bool(best) and bisect_left(ranked, best[0]) < len(ranked) // 2

    def _take(self, rung: int) -> bool:
        """Return whether the work that is left allows a job of this rung; take it."""
        share = Fraction(1, 2 ** (RUNGS - 1 - rung))
        allowed = share <= self._left
        self._left -= share if allowed else 0
        return allowed
