"""Time, GPU hours, money and disk of a sweep, from measured speeds; pure.

A rung's trials run side by side, and the next rung begins when the last of them is in: its wall
time is that of its longest queue.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

from searchctl.orchestrator.config.sweep import Sweep
from searchctl.orchestrator.halving.job_key import Kind
from searchctl.orchestrator.halving.rule import Rung
from searchctl.orchestrator.planning.capacity import Capacity
from searchctl.orchestrator.planning.cost import Span, over_survivors, rung_wall, total
from searchctl.orchestrator.planning.disk import Disk, disk_of
from searchctl.orchestrator.planning.plan import Plan, Stage, trial_epochs, validations
from searchctl.trainer.settings.training import Validate


@dataclass(frozen=True)
class Speed:
    """How fast one configuration is on one machine, alone on it."""

    train: Span
    """Seconds for a training image, with loading and augmentation: of the fastest of several laps,
    of all together, and of the slowest."""
    score: Span
    """Seconds for a validation image at the training size."""
    score_original: Span
    """Seconds for a validation image at its own size, as `inference` has it."""
    start: float
    """Seconds of a job before its first step."""
    checkpoint: float
    """Seconds that writing a checkpoint takes, after each epoch."""
    checkpoint_bytes: int
    weights_bytes: int
    peak_bytes: int
    """Most memory: of the GPU, or of the whole process on a CPU."""


@dataclass(frozen=True)
class Sizes:
    """Images of each split."""

    train: int
    val: int
    test: int


@dataclass(frozen=True)
class Probed:
    """Trials of equal speed, and how fast they are."""

    params: Mapping[str, Any]
    """What tells them from the others; empty if all are equally fast."""
    trials: tuple[int, ...]
    speed: Speed
    measured: bool
    """False: taken to be as fast as the one that was measured and is nearest by its FLOPs."""


@dataclass(frozen=True)
class Probe:
    """How fast the trials of a sweep are on a machine."""

    device: str
    threads: int
    sizes: Sizes
    classes: tuple[Probed, ...]

    @property
    def speeds(self) -> list[Speed]:
        """Of each trial, in the order of their numbers."""
        of_trial = {trial: each.speed for each in self.classes for trial in each.trials}
        return [of_trial[trial] for trial in sorted(of_trial)]

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Read what `asdict` made of one."""
        return cls(
            device=values["device"],
            threads=values["threads"],
            sizes=Sizes(**values["sizes"]),
            classes=tuple(
                Probed(**{**each, "trials": tuple(each["trials"]), "speed": _speed(each["speed"])})
                for each in values["classes"]
            ),
        )


def _speed(values: Mapping[str, Any]) -> Speed:
    spans = {name: Span(**values[name]) for name in ("train", "score", "score_original")}
    return Speed(**{**values, **spans})


@dataclass(frozen=True)
class StageEstimate:
    """What one stage is expected to take, in seconds."""

    kind: Kind
    rung: int
    jobs: Span
    """Of all its jobs, one after the other."""
    one: Span
    """Of one job: the fastest configuration, the mean, and the slowest."""
    wall: Span
    """From its first job to its last one's end, with jobs side by side."""


@dataclass(frozen=True)
class CostEstimate:
    """What a sweep is expected to take.

    `low` of a span is where the fastest configurations survive, each as fast as in the fastest lap
    of the probe; `high` where the slowest do, each as in its slowest lap.
    """

    device: str
    fleet: Capacity
    stages: tuple[StageEstimate, ...]
    """Each rung of the ladder, then what comes after it."""
    disk: Disk
    peak_bytes: int
    """Most memory of one trial."""

    @property
    def jobs(self) -> Span:
        """Seconds of all jobs, one after the other."""
        return total(stage.jobs for stage in self.stages)

    @property
    def wall(self) -> Span:
        """Seconds from the first job's start to the last one's end."""
        return total(stage.wall for stage in self.stages)

    @property
    def hours(self) -> Span:
        """GPU hours that trials hold; CPU hours where they take no GPU."""
        per_trial = self.fleet.gpus_per_trial or self.fleet.cpus_per_trial
        return self.jobs * (per_trial / 3600)

    @property
    def rented_hours(self) -> Span:
        """GPU hours of all of the GPUs from the first job to the last, idle ones too."""
        return self.wall * (self.fleet.gpus / 3600)

    def to_json(self) -> dict[str, Any]:
        """Return it as plain values; `from_json` reads it back."""
        price = self.fleet.price
        totals = {"jobs": self.jobs, "wall": self.wall, "hours": self.hours}
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
                    **{name: Span(**stage[name]) for name in ("jobs", "one", "wall")},
                )
                for stage in values["stages"]
            ),
            disk=Disk(**values["disk"]),
            peak_bytes=values["peak_bytes"],
        )


@dataclass(frozen=True)
class Measured:
    """What a probe found, and what follows from it."""

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
    """How long each trial takes at each rung.

    Args:
        probe: how fast trials are.
        epochs: of each trial.
        validate: in which epochs the validation set is scored.
        last: number of the last rung.
    """

    def __init__(self, probe: Probe, epochs: Sequence[int], validate: Validate, last: int) -> None:
        self._sizes = probe.sizes
        self._last = last
        self._kinds = list(zip(probe.speeds, epochs, strict=True))
        self._validations = {each: validations(validate, each) for each in set(epochs)}

    def at(self, rung: Rung) -> list[Span]:
        """Return the seconds of every trial at a rung, in the order of their numbers."""
        seconds = {kind: self._job(*kind, rung) for kind in dict.fromkeys(self._kinds)}
        return [seconds[kind] for kind in self._kinds]

    def _job(self, speed: Speed, epochs: int, rung: Rung) -> Span:
        """Return the seconds of one trial at one rung.

        Besides its epochs: its own training images are scored once at the end, and finalists are
        scored on the test split, and on both splits at the images' own size.
        """
        sizes, final = self._sizes, rung.number == self._last
        scored = self._validations[epochs] * sizes.val + rung.images + final * sizes.test
        return (
            Span.exactly(speed.start + epochs * speed.checkpoint)
            + speed.train * (epochs * rung.images)
            + speed.score * scored
            + speed.score_original * (final * (sizes.val + sizes.test))
        )


def job_times(sweep: Sweep, plan: Plan, probe: Probe) -> JobTimes:
    """Return the times of a sweep's jobs, as a probe has them."""
    last = plan.ladder.rungs[-1].number
    return JobTimes(probe, trial_epochs(sweep), sweep.training.validate_, last)


def forecast(plan: Plan, times: JobTimes, probe: Probe, fleet: Capacity) -> CostEstimate:
    """Say what a sweep takes.

    Args:
        plan: its stages.
        times: of its jobs.
        probe: what the times are from.
        fleet: what it runs on.
    """
    speeds = [each.speed for each in probe.classes]
    disk = disk_of(
        plan.ladder,
        warm=plan.continued == "warm",
        parallel=fleet.parallel,
        checkpoint_bytes=max(speed.checkpoint_bytes for speed in speeds),
        weights_bytes=max(speed.weights_bytes for speed in speeds),
    )
    stages = tuple(_stage(cost.stage, times.at(cost.stage.rung), fleet) for cost in plan.costs)
    peak = max(speed.peak_bytes for speed in speeds)
    return CostEstimate(probe.device, fleet, stages, disk, peak)


def _stage(stage: Stage, trials: Sequence[Span], fleet: Capacity) -> StageEstimate:
    mean = sum(each.expected for each in trials) / len(trials)
    one = Span(min(each.low for each in trials), mean, max(each.high for each in trials))
    jobs = stage.spread_over(trials)
    wall = rung_wall(*jobs, fleet.parallel)
    return StageEstimate(stage.kind, stage.rung.number, over_survivors(*jobs), one, wall)
