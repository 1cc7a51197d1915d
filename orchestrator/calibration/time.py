"""How long the jobs of a calibration take: by earlier jobs, or as multiples of the first one; pure.

Work is counted in training images, and a validation image is a third of one.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from searchctl.orchestrator.calibration.sweeps import CalibrationSweeps
from searchctl.orchestrator.config.sweep import Sweep
from searchctl.orchestrator.facts.running.work import EpochWork, work_of
from searchctl.orchestrator.planning.plan import Plan
from searchctl.orchestrator.planning.probing.speed_classes import speed_params
from searchctl.searchspace import Params

SpeedKey = str
"""The settings of a training that may change its speed, as canonical JSON."""


@dataclass(frozen=True)
class RecordedSpeed:
    """The speed of earlier jobs on one type of hardware."""

    hardware: str
    jobs: int
    seconds_per_image: Mapping[SpeedKey, float]
    """Seconds of one training image."""
    apart: Mapping[SpeedKey, float]
    """Seconds of a job apart from its epochs: its start, and the scores of its end."""


def speed_key(sweep: Sweep, params: Params) -> SpeedKey:
    """Return what the speed of a trial depends on, within sweeps of one data set."""
    settings = sweep.recipe.with_params(params).model_dump(mode="json", by_alias=True)
    del settings["validate"]  # work counts the validations
    return json.dumps(speed_params(settings), sort_keys=True)


def job_work(epochs: int, images: int, work: EpochWork, *, last: bool) -> float:
    """Return the work of one job; is it one of the last rung?"""
    return epochs * work.expected(last, images)


def seconds_of_jobs(sweep: Sweep, plan: Plan, speed: RecordedSpeed) -> float:
    """Return the seconds of all jobs of a sweep without a cut, whose speeds are all known."""
    return sum(
        speed.apart[key] + speed.seconds_per_image[key] * work for key, work in _jobs(sweep, plan)
    )


def times_first_job(found: CalibrationSweeps) -> float:
    """Return how much longer all jobs of one seed take than its first one, at equal speed."""
    works = [work for _, work in _jobs(found.sweeps[0], found.plans[0])]
    return sum(works) / works[0]


def _jobs(sweep: Sweep, plan: Plan) -> Iterator[tuple[SpeedKey, float]]:
    """Yield the speed key and the work of each job, those of the first rung first."""
    work = work_of(plan)
    trials = [(speed_key(sweep, p), sweep.recipe.with_params(p).epochs) for p in sweep.trials()]
    for rung in plan.ladder.rungs:
        for key, epochs in trials:
            yield key, job_work(epochs, rung.images, work, last=rung.fraction == 1)
