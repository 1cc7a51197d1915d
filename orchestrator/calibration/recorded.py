"""Reads how fast earlier jobs of a database trained the networks of a calibration."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import Engine

from searchctl.orchestrator.calibration.sweeps import CalibrationSweeps
from searchctl.orchestrator.calibration.time import RecordedSpeed, SpeedKey, job_work, speed_key
from searchctl.orchestrator.config.sweep import Sweep
from searchctl.orchestrator.config.validation import validation_of
from searchctl.orchestrator.facts.running.work import EpochWork
from searchctl.orchestrator.planning.plan import PASSES_OF_TRAINING
from searchctl.orchestrator.storage.reads import queries
from searchctl.orchestrator.storage.reads.spending import seconds_in_epochs
from searchctl.orchestrator.storage.rows import JobRow, SweepRow
from searchctl.searchspace import Params
from searchctl.trainer.data.settings import PLACES

MOST_SWEEPS = 20
"""Sweeps on the same data that are read, the newest first."""
MOST_TRIALS = 100
"""Trials of each that are read."""


def recorded_speed(engine: Engine, found: CalibrationSweeps) -> RecordedSpeed | None:
    """Return the speed of earlier jobs on the newest hardware that ran all of these networks.

    None if there is no such hardware, or if a script trains, of whose speed nothing is known.
    """
    sweep = found.sweeps[0]
    if sweep.script is not None:
        return None
    wanted = {speed_key(sweep, params) for params in sweep.trials()}
    jobs: defaultdict[str, defaultdict[SpeedKey, list[_Job]]] = defaultdict(_no_jobs)
    for hardware, key, job in _recorded(engine, found, wanted):
        jobs[hardware][key].append(job)
    for hardware, of_key in jobs.items():
        if of_key.keys() == wanted:
            return _speed(hardware, of_key)
    return None


class _Job(NamedTuple):
    """A finished job."""

    apart: float
    """Its seconds apart from its epochs."""
    training: float
    """The seconds of its epochs."""
    work: float


def _no_jobs() -> defaultdict[SpeedKey, list[_Job]]:
    return defaultdict(list)


def _speed(hardware: str, jobs: Mapping[SpeedKey, Sequence[_Job]]) -> RecordedSpeed:
    return RecordedSpeed(
        hardware,
        sum(map(len, jobs.values())),
        {key: sum(j.training for j in of) / sum(j.work for j in of) for key, of in jobs.items()},
        {key: sum(j.apart for j in of) / len(of) for key, of in jobs.items()},
    )


def finished_seeds(engine: Engine, found: CalibrationSweeps) -> int:
    """Return how many sweeps of a calibration have ended, and are not run again."""
    ended = {row.name for row in queries.list_sweeps(engine) if row.state == "COMPLETE"}
    return sum(sweep.name in ended for sweep in found.sweeps)


def _recorded(
    engine: Engine, found: CalibrationSweeps, wanted: set[SpeedKey]
) -> Iterator[tuple[str, SpeedKey, _Job]]:
    """Yield hardware and speed key of each finished job of these networks, and the job."""
    alike = [row for row in queries.list_sweeps(engine) if _is_alike(row, found.sweeps[0])]
    for row in alike[:MOST_SWEEPS]:
        stored = Sweep.from_json(row.spec)
        trials = queries.trials(engine, row, range(MOST_TRIALS))
        keys = {trial.number: speed_key(stored, Params(trial.params)) for trial in trials}
        training = seconds_in_epochs(engine, row)
        for job in queries.jobs(engine, row, keys):
            key, work = keys[job.trial], _work(job, stored, found)
            if key in wanted and job.hardware and job.seconds and work:
                took = training.get((job.trial, job.rung), job.seconds)
                yield job.hardware, key, _Job(max(0.0, job.seconds - took), took, work)


def _is_alike(row: SweepRow, sweep: Sweep) -> bool:
    """Return whether a stored sweep has the same data, and its jobs as many processes and GPUs."""
    mine, theirs = sweep.to_json(), row.spec
    resources = theirs.get("resources", {})
    names = ("processes_per_trial", "gpus_per_trial")
    same = all(mine["resources"].get(name) == resources.get(name) for name in names)
    return same and _without_places(mine["data"]) == _without_places(theirs.get("data", {}))


def _without_places(data: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in data.items() if name not in PLACES}


def _work(job: JobRow, stored: Sweep, found: CalibrationSweeps) -> float:
    """Return the work of a job that was trained to its end; 0 for others, and for copies."""
    if job.state != "COMPLETE" or job.reused_from is not None or not job.images_seen:
        return 0.0
    last, epochs = job.fraction == 1, max(1, job.images_seen // job.images)
    times = validation_of(stored).on(last=last).count(epochs) / epochs
    work = EpochWork((found.plans[0].val or 0) / PASSES_OF_TRAINING, times, times)
    return job_work(epochs, job.images, work, last=last)
