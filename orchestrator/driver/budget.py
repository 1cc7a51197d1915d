"""Reasons to stop a sweep early: a signal, `searchctl stop`, a deadline, a budget, a target."""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from upath import UPath

from searchctl.orchestrator.config.sections.resources import BudgetSettings
from searchctl.orchestrator.facts.text import local_time
from searchctl.orchestrator.halving.rule import Decision, Direction
from searchctl.orchestrator.storage.rows import AttemptRow

DISK_EVERY_S = 10.0
"""Seconds between two measurements of the disk, each of which counts every file of the sweep."""


Condition = Callable[[], str | None]
"""Returns why a sweep must stop now, for people; None while it may continue."""


@dataclass(frozen=True)
class Target:
    """A score that is good enough (`budget.target`)."""

    value: float
    direction: Direction

    def reached(self, decisions: Sequence[Decision]) -> str | None:
        """Return why a closed rung ends the sweep; None if its best score is not good enough."""
        best = next((each for each in decisions if each.rank == 1), None)
        if best is None or best.score is None or best.violation:
            return None
        sign = 1 if self.direction == "maximize" else -1
        if sign * best.score < sign * self.value:
            return None
        return (
            f"rung {best.rung} closed with a score of {best.score:.4g} (trial {best.trial}), as "
            f"good as budget.target {self.value:g} or better (take it out of the file to continue)"
        )


class StopConditions:
    """Checks whether the sweep must stop now; called often. Keeps the first reason."""

    def __init__(self, conditions: Iterable[Condition], target: Target | None = None) -> None:
        """Stop once one of these returns a reason, or a rung closes at the target."""
        self._conditions = tuple(conditions)
        self._target = target
        self.reason: str | None = None
        self.blocked = False
        """Must the reason be fixed before the sweep can continue?"""

    def __call__(self) -> bool:
        """Must the sweep stop?"""
        if self.reason is None:
            reasons = (condition() for condition in self._conditions)
            self.reason = next(filter(None, reasons), None)
        return self.reason is not None

    def rung_closed(self, decisions: Sequence[Decision]) -> None:
        """Stop if the best score of a closed rung is as good as the target."""
        if self.reason is None and self._target is not None:
            self.reason = self._target.reached(decisions)

    def block(self, reason: str) -> None:
        """Stop the sweep for a reason that is not a trial's fault and must be fixed first."""
        self.reason, self.blocked = reason, True


class GpuMeter:
    """The GPU hours that a sweep's attempts have held, lost ones too: those that are paid for."""

    def __init__(
        self, attempts: Iterable[AttemptRow], clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Start with the stored attempts, all of them ended."""
        self._clock = clock
        self._seconds: float = sum(
            max(0.0, (attempt.ended_at - attempt.started_at).total_seconds())
            * (attempt.gpus or 0.0)  # clocks of two drivers may differ
            for attempt in attempts
            if attempt.ended_at is not None
        )
        self._running: dict[str, tuple[float, float]] = {}

    def begin(self, token: str, gpus: float) -> None:
        """Start to count an attempt."""
        self._running[token] = (self._clock(), gpus)

    def end(self, token: str) -> None:
        """Stop counting an attempt, if it is counted."""
        began, gpus = self._running.pop(token, (0.0, 0.0))
        self._seconds += (self._clock() - began) * gpus

    @property
    def hours(self) -> float:
        """GPU hours so far."""
        running = sum((self._clock() - began) * gpus for began, gpus in self._running.values())
        return (self._seconds + running) / 3600


class DiskMeter:
    """The bytes of a sweep's files, measured every few seconds at most."""

    def __init__(
        self,
        runs: UPath,
        measure: Callable[[UPath], int],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Measure the files below `runs`."""
        self._runs = runs
        self._measure = measure
        self._clock = clock
        self._next = 0.0
        self._bytes = 0

    @property
    def gigabytes(self) -> float:
        """Size of the files at the last measurement, in units of 1e9 bytes."""
        if self._clock() >= self._next:
            self._bytes = self._measure(self._runs)
            self._next = self._clock() + DISK_EVERY_S
        return self._bytes / 1e9


def budget_conditions(budget: BudgetSettings, gpu: GpuMeter, disk: DiskMeter) -> list[Condition]:
    """Return the conditions under which a budget is spent."""

    def deadline() -> str | None:
        moment = budget.deadline
        if moment is None or datetime.now(UTC) < moment:
            return None
        return f"the deadline {local_time(moment)} has passed (another one: --deadline)"

    def gpu_hours() -> str | None:
        hours = budget.gpu_hours
        if hours is None or gpu.hours < hours:
            return None
        return f"the budget of {hours:g} GPU hours is spent (another one: --max-gpu-hours)"

    def disk_space() -> str | None:
        limit = budget.disk_gb
        if limit is None or (used := disk.gigabytes) <= limit:
            return None
        return (
            f"the sweep's files take {used:.3g} GB, more than budget.disk_gb allows ({limit:g}): "
            "raise it, or keep less"
        )

    return [deadline, gpu_hours, disk_space]
