"""Launches and resumes sweeps: puts the parts together, and runs the driver to the end.

This is the only place where the database, the Optuna mirror, the bracket and an executor meet.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from sqlalchemy import Engine

from orchestrator.bracket import Bracket
from orchestrator.driver import Driver
from orchestrator.errors import SearchctlError, SweepChanged, SweepExists, SweepFailed
from orchestrator.executors.base import Executor
from orchestrator.executors.inline import InlineExecutor
from orchestrator.halving import Direction
from orchestrator.places import check_writable
from orchestrator.plan import Plan, plan_sweep
from orchestrator.progress import Progress
from orchestrator.spec import differences
from orchestrator.storage import queries
from orchestrator.storage.database import open_database
from orchestrator.storage.rows import JobRow, SweepRow
from orchestrator.storage.writer import NewSweep, SweepWriter, create_sweep
from orchestrator.study import StudyMirror
from orchestrator.sweep import Sweep, load_sweep
from orchestrator.views import JobState
from trainer.data_settings import Split
from trainer.datasets.base import Dataset
from trainer.errors import DataError
from trainer.samples import build_dataset, data_fingerprint

_NEEDED_SPLITS: tuple[Split, ...] = ("train", "val")
_RUNS_MEND = "set storage.runs to a directory that can be written"
PACKAGES = ("searchctl", "torch", "numpy", "albumentations", "optuna", "ray")

Display = Callable[..., Progress]
"""Makes what shows the progress: given ladder, direction, epochs and done, as Progress is."""


@dataclass(frozen=True)
class Prepared:
    """A sweep that is stored, planned and ready to run."""

    sweep: Sweep
    url: str
    engine: Engine
    row: SweepRow
    plan: Plan

    @property
    def runs(self) -> Path:
        """Directory of the sweep's files."""
        return runs_directory(self.sweep)


def prepare(sweep: Sweep, url: str, source: Path | None = None) -> Prepared:
    """Check the data and the places that are written to, plan the ladder, and store the sweep."""
    dataset = _checked_dataset(sweep)
    plan = plan_sweep(sweep, len(dataset.names("train")))
    check_writable(runs_directory(sweep), _RUNS_MEND)
    engine = open_database(url, create=True)
    _refuse_second(engine, sweep)
    create_sweep(engine, _new_sweep(sweep, plan, dataset, source))
    return Prepared(sweep, url, engine, queries.find_sweep(engine, sweep.name), plan)


def prepare_resume(name: str, url: str, *, compare: bool = True) -> Prepared:
    """Load a stored sweep to go on with it; `compare` it with what its file says today.

    The file's resources may have been edited since the launch; they count from now on.

    Raises:
        SweepNotFound: there is none of that name.
        SweepChanged: the file, or the data on the disk, is not what was launched.
    """
    engine = open_database(url)
    row = queries.find_sweep(engine, name)
    sweep = Sweep.from_json(row.spec)
    if compare:
        sweep = _as_edited(row, sweep)
    dataset = _checked_dataset(sweep)
    if data_fingerprint(sweep.data) != row.data_fingerprint:
        raise SweepChanged(
            f"the files of data set '{sweep.data.dataset}' are not those that '{name}' was "
            "launched on (names or sizes differ): put them back, or launch a new sweep"
        )
    check_writable(runs_directory(sweep), _RUNS_MEND)
    return Prepared(sweep, url, engine, row, plan_sweep(sweep, len(dataset.names("train"))))


def run(
    prepared: Prepared,
    *,
    executor: Executor | None = None,
    display: Display = Progress,
    stopping: Callable[[], bool] = lambda: False,
) -> SweepRow:
    """Run a prepared sweep until it ends or `stopping` is true; return its row.

    Raises:
        SweepFailed: no trial of a rung has a finite score.
    """
    sweep, row = prepared.sweep, prepared.row
    writer = SweepWriter(prepared.engine, row.id)
    mirror = _open_mirror(prepared)
    jobs = queries.jobs(prepared.engine, row)
    bracket = Bracket(prepared.plan.ladder, row.direction)
    with display(row.ladder, row.direction, prepared.plan.epochs, _done(jobs)) as observer:
        driver = Driver(sweep, bracket, writer, mirror, observer, prepared.runs, stopping)
        _replay(driver, prepared, jobs)
        if not bracket.finished:
            writer.set_state("RUNNING")
            (executor or ray_executor(sweep)).run(driver, stopping)
    _close(prepared, writer, bracket)
    return queries.find_sweep(prepared.engine, sweep.name)


def ray_executor(sweep: Sweep) -> Executor:
    """Return the executor that a sweep's resources ask for."""
    from orchestrator.executors.ray_tune import RayTuneExecutor

    resources = sweep.resources
    return RayTuneExecutor(
        cpus=resources.cpus_per_trial,
        gpus=resources.gpus_per_trial,
        max_parallel=resources.max_parallel,
        address=resources.address,
    )


def inline_executor() -> Executor:
    """Return the executor that runs one job at a time in this process."""
    return InlineExecutor()


def runs_directory(sweep: Sweep) -> Path:
    """Return the directory of a sweep's files, absolute: workers have another current one."""
    return (sweep.storage.runs / sweep.name).absolute()


def direction_of(sweep: Sweep) -> Direction:
    """Say whether the sweep's score is better when higher or when lower."""
    return "minimize" if sweep.halving.score == "val_loss" else "maximize"


def _open_mirror(prepared: Prepared) -> StudyMirror:
    sweep = prepared.sweep
    try:
        return StudyMirror(prepared.url, sweep.name, prepared.row.direction, sweep.space_)
    except Exception as error:
        raise SearchctlError(
            f"cannot open the Optuna study '{sweep.name}' in the database: {error}; if another "
            f"program made it, rename it; then `searchctl resume {sweep.name}`"
        ) from error


def _close(prepared: Prepared, writer: SweepWriter, bracket: Bracket) -> None:
    if bracket.failure:
        message = bracket.failure + _first_error(queries.jobs(prepared.engine, prepared.row))
        writer.set_state("FAIL", message)
        raise SweepFailed(message)
    writer.set_state("COMPLETE" if bracket.finished else "STOPPED")


def _first_error(jobs: list[JobRow]) -> str:
    """Quote the line that matters of the first job's error on the rung that has failed."""
    for job in (job for job in jobs if job.rung == jobs[-1].rung):
        if lines := (job.error or "").strip().splitlines():
            line = lines[-1] if lines[0].startswith("Traceback") else lines[0]
            return f"\ntrial {job.trial}: {line}"
    return ""


def _replay(driver: Driver, prepared: Prepared, jobs: list[JobRow]) -> None:
    """Replay the stored results; the verdicts must be those that are stored."""
    stored = queries.decisions(prepared.engine, prepared.row)
    replayed = driver.replay(jobs)
    if replayed != stored:
        raise SearchctlError(
            f"the stored decisions of '{prepared.sweep.name}' do not follow from its stored "
            f"scores ({len(stored)} stored, {len(replayed)} replayed): the database was changed "
            "by hand; restore it from a backup"
        )


def _done(jobs: list[JobRow]) -> dict[tuple[int, int], JobState]:
    return {
        (job.trial, job.rung): JobState(job.rung, job.state, job.score)
        for job in jobs
        if job.state not in ("WAITING", "RUNNING")
    }


def _checked_dataset(sweep: Sweep) -> Dataset:
    dataset = build_dataset(sweep.data)
    dataset.check()
    for split in _NEEDED_SPLITS:
        if not dataset.names(split):
            raise DataError(f"the {split} split of data set '{sweep.data.dataset}' has no images")
        dataset.load(split, 0)  # a class table that fits no mask would else fail in every job
    return dataset


def _refuse_second(engine: Engine, sweep: Sweep) -> None:
    stored = next((row for row in queries.list_sweeps(engine) if row.name == sweep.name), None)
    if stored is None:
        return
    changes = differences(Sweep.from_json(stored.spec).spec(), sweep.spec())
    what = f"with other settings ({'; '.join(changes)})" if changes else f"({stored.state})"
    raise SweepExists(
        f"there is a sweep '{sweep.name}' in this database {what}: go on with it by "
        f"`searchctl resume {sweep.name}`, or give this one another `name:`"
    )


def _as_edited(row: SweepRow, stored: Sweep) -> Sweep:
    """Return the stored sweep with its file's resources, which may change."""
    source = Path(row.source)
    edited = load_sweep(source) if source.is_file() else stored
    if edited.name != row.name:
        return stored
    if edited.spec_hash != row.spec_hash:
        changes = "; ".join(differences(stored.spec(), edited.spec()))
        raise SweepChanged(
            f"{source} no longer says what '{row.name}' computes: {changes}. Undo the edit, go on "
            f"with what was launched (`searchctl resume {row.name} --stored`), or launch the file "
            "under another name"
        )
    return stored.model_copy(update={"resources": edited.resources})


def _new_sweep(sweep: Sweep, plan: Plan, dataset: Dataset, source: Path | None) -> NewSweep:
    versions = {package: version(package) for package in PACKAGES}
    return NewSweep(
        name=sweep.name,
        source=str(source or ""),
        spec=sweep.to_json(),
        spec_hash=sweep.spec_hash,
        direction=direction_of(sweep),
        ladder=[
            {
                "rung": rung.number,
                "trials": rung.trials,
                "fraction": str(rung.fraction),
                "images": rung.images,
            }
            for rung in plan.ladder.rungs
        ],
        versions={**versions, "python": sys.version.split()[0]},
        classes=list(dataset.class_names),
        data_fingerprint=data_fingerprint(sweep.data),
        params=sweep.trials(),
    )
