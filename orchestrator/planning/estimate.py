"""Estimates time, GPU hours, price and disk space of a sweep from measured speeds; pure.

The trials of a rung run in parallel, and the next rung starts after the last of them. So the wall
time of a rung is that of its longest queue.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

from searchctl.orchestrator.config.sweep import Sweep
from searchctl.orchestrator.config.validation import SweepValidation, validation_of
from searchctl.orchestrator.halving.job_key import Kind
from searchctl.orchestrator.halving.rule import Rung
from searchctl.orchestrator.planning.capacity import Capacity
from searchctl.orchestrator.planning.cost import Span, over_survivors, rung_wall, total
from searchctl.orchestrator.planning.disk import Disk, disk_of
from searchctl.orchestrator.planning.plan import Plan, trial_epochs
from searchctl.orchestrator.planning.probing.probed import Probe, Speed
from searchctl.orchestrator.planning.stages import Stage

_SPANS = ("jobs", "one", "wall", "validation")


@dataclass(frozen=True)
class StageEstimate:
    """Estimated seconds of one stage."""

    kind: Kind
    rung: int
    jobs: Span
    """Sum over all of its jobs."""
    one: Span
    """Duration of one job: the fastest configuration, the mean, and the slowest."""
    wall: Span
    """Time from the start of its first job to the end of its last one, with parallel jobs."""
    validation: Span | None = None
    """Seconds of all of its jobs in which training waits for a validation; None if an earlier
    version stored it."""
    cohort: int | None = None
    """Number of the cohort of a rung; None if the sweep has only one."""


@dataclass(frozen=True)
class CostEstimate:
    """Estimated cost of a sweep.

    `low` of a span assumes that the fastest configurations survive, each with the speed of its
    fastest lap in the probe. `high` assumes the slowest configurations and laps.
    """

    device: str
    fleet: Capacity
    stages: tuple[StageEstimate, ...]
    """Each rung of the ladder, then the follow-up jobs."""
    disk: Disk
    peak_bytes: int
    """Peak memory of one trial."""
    together: Span | None = None
    """Wall time of all stages, whose cohorts overlap; None if they follow each other."""

    @property
    def jobs(self) -> Span:
        """Sum of the seconds of all jobs."""
        return total(stage.jobs for stage in self.stages)

    @property
    def wall(self) -> Span:
        """Seconds from the start of the first job to the end of the last one."""
        return self.together or total(stage.wall for stage in self.stages)

    @property
    def validation(self) -> Span | None:
        """Sum of the seconds of all validations in training."""
        spans = [stage.validation for stage in self.stages if stage.validation]
        return total(spans) if len(spans) == len(self.stages) else None

    @property
    def hours(self) -> Span:
        """GPU hours of all trials; CPU hours if they use no GPU."""
        per_trial = self.fleet.gpus_per_trial or self.fleet.cpus_per_trial
        return self.jobs * (per_trial / 3600)

    @property
    def rented_hours(self) -> Span:
        """GPU hours of all GPUs from the first job to the last, including idle time."""
        return self.wall * (self.fleet.gpus / 3600)

    def to_json(self) -> dict[str, Any]:
        """Return it as plain values; `from_json` reads it back."""
        price = self.fleet.price
        totals = {"jobs": self.jobs, "wall": self.wall, "hours": self.hours}
        if self.validation:
            totals["validation"] = self.validation
        if self.fleet.gpus:
            totals["rented_hours"] = self.rented_hours
        if price is not None:
            totals |= {"price": self.hours * price, "rented_price": self.rented_hours * price}
        return {**asdict(self), "total": {name: asdict(span) for name, span in totals.items()}}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Read what `to_json` wrote."""
        return cls(
            device=values["device"],
            fleet=Capacity(**values["fleet"]),
            stages=tuple(
                StageEstimate(
                    kind=stage["kind"],
                    rung=stage["rung"],
                    cohort=stage.get("cohort"),
                    **{name: Span(**stage[name]) for name in _SPANS if stage.get(name)},
                )
                for stage in values["stages"]
            ),
            disk=Disk(**values["disk"]),
            together=Span(**values["together"]) if values.get("together") else None,
            peak_bytes=values["peak_bytes"],
        )


@dataclass(frozen=True)
class Measured:
    """The result of a probe, and the estimate from it."""

    probe: Probe
    forecast: CostEstimate

    def to_json(self) -> dict[str, Any]:
        """Return it as plain values; `from_json` reads it back."""
        return {"probe": asdict(self.probe), "forecast": self.forecast.to_json()}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Read what `to_json` wrote."""
        return cls(Probe.from_json(values["probe"]), CostEstimate.from_json(values["forecast"]))


class JobTimes:
    """Duration of each trial at each rung.

    Args:
        probe: measured speeds.
        epochs: epochs of each trial.
        validation: in which epochs the validation set is scored.
    """

    def __init__(self, probe: Probe, epochs: Sequence[int], validation: SweepValidation) -> None:
        self._sizes = probe.sizes
        self._validation = validation
        self._kinds = list(zip(probe.speeds, epochs, strict=True))

    def at(self, rung: Rung) -> list[Span]:
        """Return the seconds of every trial at a rung, in the order of their numbers."""
        seconds = {kind: self._job(*kind, rung) for kind in dict.fromkeys(self._kinds)}
        return [seconds[kind] for kind in self._kinds]

    def validation_at(self, rung: Rung) -> list[Span]:
        """Return the seconds in which every trial at a rung scores the validation set."""
        seconds = {kind: self._validations(*kind, rung) for kind in dict.fromkeys(self._kinds)}
        return [seconds[kind] for kind in self._kinds]

    def _job(self, speed: Speed, epochs: int, rung: Rung) -> Span:
        """Return the seconds of one trial at one rung.

        Besides the epochs, a job scores its training images once at the end. Finalists also score
        the test split, and both splits at the original size of the images.
        """
        sizes, final = self._sizes, rung.fraction == 1
        scored = rung.images + final * sizes.test
        return (
            Span.exactly(speed.start)
            + speed.train * (epochs * rung.images)
            + speed.score * scored
            + speed.score_original * (final * (sizes.val + sizes.test))
            + self._validations(speed, epochs, rung)
        )

    def _validations(self, speed: Speed, epochs: int, rung: Rung) -> Span:
        times = self._validation.on(last=rung.fraction == 1).count(epochs)
        return speed.score * (times * self._sizes.val)


def job_times(sweep: Sweep, probe: Probe) -> JobTimes:
    """Return the durations of a sweep's jobs from a probe."""
    return JobTimes(probe, trial_epochs(sweep), validation_of(sweep))


def forecast(
    plan: Plan, times: JobTimes, probe: Probe, fleet: Capacity, together: Span | None = None
) -> CostEstimate:
    """Return the estimated cost of a sweep.

    Args:
        plan: the sweep's plan.
        times: durations of its jobs.
        probe: the probe of the durations.
        fleet: the capacity for the sweep.
        together: wall time of all stages, if cohorts overlap.
    """
    speeds = [each.speed for each in probe.classes]
    disk = disk_of(
        plan.ladders,
        warm=plan.continued == "warm",
        parallel=fleet.parallel,
        checkpoint_bytes=max(speed.checkpoint_bytes for speed in speeds),
        weights_bytes=max(speed.weights_bytes for speed in speeds),
    )
    stages = tuple(_stage(cost.stage, times, fleet) for cost in plan.costs)
    peak = max(speed.peak_bytes for speed in speeds)
    return CostEstimate(probe.device, fleet, stages, disk, peak, together)


def _stage(stage: Stage, times: JobTimes, fleet: Capacity) -> StageEstimate:
    trials = times.at(stage.rung)
    mean = sum(each.expected for each in trials) / len(trials)
    one = Span(min(each.low for each in trials), mean, max(each.high for each in trials))
    jobs = stage.spread_over(trials)
    wall = rung_wall(*jobs, fleet.parallel)
    validation = over_survivors(*stage.spread_over(times.validation_at(stage.rung)))
    all_jobs, number = over_survivors(*jobs), stage.rung.number
    return StageEstimate(stage.kind, number, all_jobs, one, wall, validation, stage.cohort)
