"""Wall time and idle share of a sweep whose cohorts overlap, pure.

The sweep's own schedule is run on equal slots, with durations in place of jobs. Which trials
survive is not known, so the scores are drawn.
"""

import heapq
import random
from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from statistics import mean
from typing import Self

from searchctl.orchestrator.config.sweep import Sweep
from searchctl.orchestrator.halving.bracket import BracketJob, Signal
from searchctl.orchestrator.halving.cohorts import Cohorts, DrawCohort, DrawnCohort, PlannedCohort
from searchctl.orchestrator.halving.follow_up import FollowUpSettings, follow_up_settings
from searchctl.orchestrator.halving.rule import Ladder, Outcome, Rung
from searchctl.orchestrator.halving.schedule import Schedule
from searchctl.orchestrator.planning.cost import Span

DRAWS = 5
"""Number of drawn sets of survivors, over which expected numbers are means."""
_MANY = 500
"""With more trials, one set is drawn: the numbers are means over enough trials."""

Durations = Callable[[Rung], Sequence[Span]]
"""Durations of the known trials at a rung, in the order of their numbers."""


@dataclass(frozen=True)
class Order:
    """What decides the order of a sweep's jobs."""

    ladders: Sequence[Ladder]
    """The ladder of each cohort."""
    lag: int
    follow_up: FollowUpSettings
    protected: Container[int] = ()

    @classmethod
    def of(cls, sweep: Sweep, ladders: Sequence[Ladder]) -> Self:
        """Return the order of the jobs of a sweep."""
        follow_up = follow_up_settings(sweep.to_json())
        return cls(ladders, sweep.search.lag, follow_up, sweep.protected)

    @property
    def trials(self) -> int:
        """Number of trials of all cohorts."""
        return sum(ladder.trials for ladder in self.ladders)

    def schedule(self) -> Schedule:
        """Return the schedule of the sweep before its first job."""
        planned = [PlannedCohort(n, each, self.lag) for n, each in enumerate(self.ladders)]
        return Schedule(Cohorts(planned, "maximize"), self.follow_up)


@dataclass(frozen=True)
class Use:
    """How a sweep uses the slots of its trials."""

    wall: Span
    """Time from the start of the first job to the end of the last one, in the durations' unit."""
    idle: float
    """Expected share of all slots' time, from start to end, in which they have no job."""


def use_of(order: Order, durations: Durations, slots: int) -> Use:
    """Return how a sweep uses `slots` equal slots.

    `low` is for the fastest trials surviving, `high` for the slowest.
    """
    at = lru_cache(durations)
    first = at(order.ladders[0].rungs[0])

    def run(end: str, score: Callable[[int], float]) -> tuple[float, float]:
        def seconds(job: BracketJob) -> float:
            known = at(job.rung)
            return float(getattr(known[job.trial % len(known)], end))

        return _run(order, seconds, score, slots)

    def cost(trial: int) -> float:
        return first[trial % len(first)].expected

    alike = len({*first}) == 1
    draws = 1 if alike or order.trials > _MANY else DRAWS
    runs = [run("expected", partial(_drawn, draw)) for draw in range(draws)]
    walls = [wall for wall, _ in runs]
    ends = [*walls]
    if not alike or not first[0].known:
        ends += [run("low", lambda trial: -cost(trial))[0], run("high", cost)[0]]
    idle = max(0.0, mean(1 - busy / (slots * wall) for wall, busy in runs))
    return Use(Span(min(ends), mean(walls), max(ends)), idle)


def _drawn(draw: int, trial: int) -> float:
    """Return a score that knows nothing of the trial's duration."""
    return random.Random(f"{draw} {trial}").random()


def _run(
    order: Order,
    seconds: Callable[[BracketJob], float],
    score: Callable[[int], float],
    slots: int,
) -> tuple[float, float]:
    """Return the wall time, and the sum of all jobs."""
    schedule, now, busy = order.schedule(), 0.0, 0.0
    running: list[tuple[float, int, int, BracketJob]] = []
    while not schedule.finished:
        while len(running) < slots and isinstance(job := _next(order, schedule), BracketJob):
            took, number = seconds(job), job.trial
            busy += took
            heapq.heappush(running, (now + took, number, job.repeat, job))
        now, _, _, job = heapq.heappop(running)
        outcome = Outcome(job.trial, job.rung.number, score(job.trial), seconds=seconds(job))
        schedule.record(job.key, outcome)
    return now, busy


def _next(order: Order, schedule: Schedule) -> BracketJob | Signal:
    """Return the schedule's next job, after drawing the cohorts that are due."""
    while isinstance(job := schedule.next_job(), DrawCohort):
        first = sum(ladder.trials for ladder in order.ladders[: job.number])
        trials = range(first, first + order.ladders[job.number].trials)
        schedule.cohorts.open(job.number, DrawnCohort(trials, order.protected))
    return job
