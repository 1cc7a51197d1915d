"""Compares a sweep's plan with what happened, stage by stage."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from sqlalchemy import Engine

from searchctl.orchestrator.artifacts.directory import runs_directory
from searchctl.orchestrator.artifacts.garbage import used_bytes
from searchctl.orchestrator.config.sweep import Sweep
from searchctl.orchestrator.halving.job_key import Kind, key_of
from searchctl.orchestrator.halving.ladder_rows import ladder_of
from searchctl.orchestrator.planning.cost import Span, total
from searchctl.orchestrator.planning.estimate import (
    CostEstimate,
    JobTimes,
    Measured,
    StageEstimate,
    job_times,
)
from searchctl.orchestrator.planning.plan import Plan, plan_sweep
from searchctl.orchestrator.planning.retries import Retry, busy_seconds, faults
from searchctl.orchestrator.planning.stages import StageCost
from searchctl.orchestrator.storage.reads import image_scores, queries
from searchctl.orchestrator.storage.reads.spending import (
    EndedAttempt,
    ended_attempts,
    spent_by_stage,
    stored_estimate,
    validations_by_stage,
)
from searchctl.orchestrator.storage.rows import SweepRow

Origin = Literal["launch", "now"]
"""When the planned times were measured."""


@dataclass(frozen=True)
class Graded:
    """One number: planned and actual."""

    planned: Span | None
    """None if there is no plan for it."""
    actual: float | None
    """None if it is unknown."""

    @property
    def ratio(self) -> float | None:
        """Actual over expected; None if one of them is missing."""
        if self.planned is None or self.actual is None or not self.planned.expected:
            return None
        return self.actual / self.planned.expected

    def to_json(self) -> dict[str, Any]:
        """Return it as plain values, with the ratio."""
        return {**asdict(self), "ratio": self.ratio}


@dataclass(frozen=True)
class StageGrade:
    """Planned and actual cost of one stage or of the whole sweep."""

    kind: Kind | None
    rung: int | None
    """`kind` and `rung` are None for the whole sweep."""
    cohort: int | None
    """Number of the cohort of a rung, if the sweep has several."""
    jobs: Graded
    images: Graded
    """Training images over all epochs."""
    validation_images: Graded
    """Validation images scored in training."""
    seconds: Graded
    """Sum over its jobs."""
    wall: Graded
    """Seconds during which at least one of its jobs ran."""

    def to_json(self) -> dict[str, Any]:
        """Return it as plain values."""
        grades = {k: v.to_json() for k, v in vars(self).items() if isinstance(v, Graded)}
        return {"kind": self.kind, "rung": self.rung, "cohort": self.cohort, **grades}


@dataclass(frozen=True)
class Grade:
    """The plan of a sweep compared with what happened."""

    sweep: str
    state: str
    measured: Origin | None
    """When the planned times were measured; None if they were not."""
    device: str | None
    """Device of that measurement."""
    stages: tuple[StageGrade, ...]
    total: StageGrade
    same_jobs: Graded
    """Seconds of all jobs that ran, against the plan for exactly these jobs. This leaves out the
    uncertainty about the survivors."""
    gpu_hours: Graded
    """GPU hours of all attempts, including lost ones."""
    disk: Graded
    """Bytes of the remaining files."""
    faults: tuple[Retry, ...]
    idle: float | None
    """Seconds from the launch to the end without a running job; None if it has not ended."""

    def to_json(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {
            **{name: getattr(self, name) for name in ("sweep", "state", "measured", "device")},
            "stages": [stage.to_json() for stage in self.stages],
            "total": self.total.to_json(),
            "same_jobs": self.same_jobs.to_json(),
            "gpu_hours": self.gpu_hours.to_json(),
            "disk": self.disk.to_json(),
            "faults": [asdict(fault) for fault in self.faults],
            "idle": self.idle,
        }


def grade(
    engine: Engine, row: SweepRow, measured: Measured | None = None, sweep: Sweep | None = None
) -> Grade:
    """Compare a sweep's plan with its cost so far.

    The plan is computed again from the stored sweep.

    Args:
        engine: the sweep's database.
        row: the sweep.
        measured: result of a probe; None uses the one from the launch, if there is one.
        sweep: the stored one, where it was read before: reading it draws all of its trials.
    """
    found, origin = (measured, "now") if measured else _stored(engine, row)
    forecast = found.forecast if found else None
    sweep = sweep or Sweep.from_json(row.spec)
    val = len(image_scores.val_images(engine, row)) or (sweep.data.counts() or {}).get("val")
    ladders = tuple(ladder_of(cohort.ladder) for cohort in queries.cohorts(engine, row))
    plan = plan_sweep(sweep, row.ladder[-1]["images"], val, ladders)
    attempts = ended_attempts(engine, row)
    stages = _stages(plan, forecast, _Spent(engine, row, attempts, val))
    whole = _whole(stages)
    times = job_times(sweep, found.probe) if found else None
    return Grade(
        sweep=row.name,
        state=row.shown_state,
        measured=origin,
        device=forecast.device if forecast else None,
        stages=stages,
        total=whole,
        same_jobs=Graded(
            _of_these_jobs(times, plan, attempts) if times else None, whole.seconds.actual
        ),
        gpu_hours=_gpu_hours(forecast, attempts),
        disk=Graded(Span.exactly(forecast.disk.kept) if forecast else None, _disk(sweep)),
        faults=faults(attempts),
        idle=_idle(row, attempts),
    )


def _stored(engine: Engine, row: SweepRow) -> tuple[Measured | None, Origin | None]:
    stored = stored_estimate(engine, row)
    return (Measured.from_json(stored), "launch") if stored else (None, None)


def _of_these_jobs(times: JobTimes, plan: Plan, attempts: Iterable[EndedAttempt]) -> Span:
    """Return the planned seconds of exactly the jobs that have ended."""
    rungs = [[times.at(rung) for rung in ladder.rungs] for ladder in plan.ladders]
    ended = {key_of(each): each.cohort for each in attempts if each.job_seconds is not None}
    planned = ((rungs[cohort][job.rung], job.trial) for job, cohort in ended.items())
    # trials that were drawn after the plan are taken to be as those before
    return total(seconds[trial % len(seconds)] for seconds, trial in planned)


class _Spent:
    """Cost of the ended jobs of each stage."""

    def __init__(
        self, engine: Engine, row: SweepRow, attempts: Sequence[EndedAttempt], val: int | None
    ) -> None:
        self._jobs = spent_by_stage(engine, row)
        self._validations = validations_by_stage(engine, row)
        self._attempts: defaultdict[tuple[Kind, int, int], list[EndedAttempt]] = defaultdict(list)
        for each in attempts:
            self._attempts[stage_key(each.kind, each.cohort, each.rung)].append(each)
        self._val = val

    def grade(self, cost: StageCost, times: StageEstimate | None) -> StageGrade:
        """Compare the cost of a stage with its plan."""
        stage, key = (
            cost.stage,
            stage_key(cost.stage.kind, cost.stage.cohort, cost.stage.rung.number),
        )
        spent = [each for each in self._jobs if stage_key(each.kind, each.cohort, each.rung) == key]
        wall = busy_seconds(self._attempts[key])
        validations = sum(n for each, n in self._validations.items() if stage_key(*each) == key)
        return StageGrade(
            stage.kind,
            stage.rung.number,
            stage.cohort,
            jobs=Graded(Span.exactly(stage.jobs), sum(each.jobs for each in spent)),
            images=Graded(cost.images, sum(each.images for each in spent)),
            validation_images=Graded(cost.validation_images, self._val and self._val * validations),
            seconds=Graded(times.jobs if times else None, sum(each.seconds for each in spent)),
            wall=Graded(times.wall if times else None, wall),
        )


def _stages(plan: Plan, forecast: CostEstimate | None, spent: _Spent) -> tuple[StageGrade, ...]:
    stages = forecast.stages if forecast else ()
    estimated = {stage_key(each.kind, each.cohort, each.rung): each for each in stages}
    keys = (stage_key(c.stage.kind, c.stage.cohort, c.stage.rung.number) for c in plan.costs)
    return tuple(
        spent.grade(cost, estimated.get(key))
        # a resume may have added stages that were not estimated
        for cost, key in zip(plan.costs, keys, strict=True)
    )


def stage_key(kind: Kind, cohort: int | None, rung: int) -> tuple[Kind, int, int]:
    """Return what tells stages apart: the rung of a cohort, or the kind of follow-up jobs."""
    return (kind, cohort or 0, rung) if kind == "ladder" else (kind, 0, 0)


def _whole(stages: Sequence[StageGrade]) -> StageGrade:
    names = [name for name in StageGrade.__annotations__ if name not in ("kind", "rung", "cohort")]
    sums = {name: _sum([getattr(stage, name) for stage in stages]) for name in names}
    return StageGrade(None, None, None, **sums)


def _sum(grades: Sequence[Graded]) -> Graded:
    planned = [each.planned for each in grades if each.planned]
    actual = [each.actual for each in grades if each.actual is not None]
    return Graded(
        total(planned) if len(planned) == len(grades) else None,
        sum(actual) if len(actual) == len(grades) else None,
    )


def _gpu_hours(forecast: CostEstimate | None, attempts: Iterable[EndedAttempt]) -> Graded:
    on_gpus = forecast is not None and forecast.fleet.gpus_per_trial
    hours = sum(each.seconds * (each.gpus or 0.0) for each in attempts) / 3600
    return Graded(forecast.hours if forecast and on_gpus else None, hours)


def _disk(sweep: Sweep) -> int | None:
    try:
        return used_bytes(runs_directory(sweep))
    except OSError:  # the directory is on another machine
        return None


def _idle(row: SweepRow, attempts: Sequence[EndedAttempt]) -> float | None:
    if row.ended_at is None:
        return None
    return max(0.0, (row.ended_at - row.created_at).total_seconds() - busy_seconds(attempts))
