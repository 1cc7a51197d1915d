"""Makes a sweep ready to run: checks the data and the places, plans the ladder, stores the sweep.

A stored sweep is made ready again by `prepare_resume`, in resume.py.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Engine
from upath import UPath

from searchctl.orchestrator.artifacts.directory import check_writable, runs_directory
from searchctl.orchestrator.artifacts.initial_files import InitialFiles, settle_initial_files
from searchctl.orchestrator.config.dataset import checked_dataset
from searchctl.orchestrator.config.fingerprint import versions
from searchctl.orchestrator.config.spec import differences
from searchctl.orchestrator.config.sweep import Sweep
from searchctl.orchestrator.core.cluster_address import driver_address, submission
from searchctl.orchestrator.core.errors import SearchctlError, SweepExists
from searchctl.orchestrator.executors.ray.shadowing import refuse_shadowing_files
from searchctl.orchestrator.halving.rule import Direction
from searchctl.orchestrator.planning.plan import Plan, plan_sweep
from searchctl.orchestrator.run.decoding import decode_for
from searchctl.orchestrator.storage.connect import shown
from searchctl.orchestrator.storage.database import open_database
from searchctl.orchestrator.storage.reads import queries
from searchctl.orchestrator.storage.rows import SweepRow
from searchctl.orchestrator.storage.submissions import knows
from searchctl.orchestrator.storage.writer import NewSweep, create_sweep
from searchctl.trainer.core.extras import embeddings_problem
from searchctl.trainer.data.cache.store import OnProgress, ignore_progress
from searchctl.trainer.data.samples import data_fingerprint, forget_listing
from searchctl.trainer.data.sets.base import Dataset
from searchctl.trainer.settings.training import TrainSettings

if TYPE_CHECKING:
    from searchctl.orchestrator.executors.ray.nodes import SharedLocations

    pass

RUNS_FIX = "set storage.runs to a directory that can be written"


@dataclass(frozen=True)
class Prepared:
    """A sweep that is stored, planned and ready to run."""

    sweep: Sweep
    url: str
    engine: Engine
    row: SweepRow
    plan: Plan
    initial: InitialFiles
    """What its trials begin with, where that is no file of theirs."""
    changes: tuple[str, ...] = ()
    """What is not as it was at the launch: recorded when the sweep goes on."""
    notes: tuple[str, ...] = ()
    """What to tell people before the sweep goes on."""
    places: "SharedLocations | None" = None
    """What every node of its cluster must see; None where jobs run on this machine alone."""

    @property
    def runs(self) -> UPath:
        """Directory of the sweep's files."""
        return runs_directory(self.sweep)


def prepare(
    sweep: Sweep,
    url: str,
    source: Path | None = None,
    tell: OnProgress = ignore_progress,
    *,
    inline: bool = False,
) -> Prepared:
    """Check the data and the places that are written to, plan the ladder, and store the sweep.

    The images are decoded, unless they are in this machine's cache, and the weights that its trials
    begin with are copied to its directory.

    Args:
        sweep: the sweep.
        url: of its database.
        source: its file.
        tell: told how many images are decoded, and of how many; may raise to end it.
        inline: its jobs will run in this process, and not in its cluster.

    Raises:
        SearchctlError: a network cannot be built; a package is missing; the database, the
            directory, or initial weights cannot be used; or a node of the cluster lacks something.
        SettingsError: a directory of pretrained encoders has none of a trial's.
        SweepExists: there is a sweep of that name.
        DataError: a file of the data set is missing or does not fit.
    """
    _check_packages(sweep)
    forget_listing()
    dataset = checked_dataset(sweep)
    plan = plan_sweep(sweep, len(dataset.names("train")), len(dataset.names("val")))
    _check_networks(sweep, dataset)
    runs = runs_directory(sweep)
    check_writable(runs, RUNS_FIX)
    engine = open_database(url, create=True)
    refuse_other_database(engine)
    refuse_second(engine, sweep)
    places, notes = (None, ()) if inline else checked_nodes(sweep, runs, url)
    decode_for(sweep.data, trial_settings(sweep), tell, seed=sweep.seed)
    initial = settle_initial_files(sweep, engine, runs)
    _check_weights(sweep, dataset, initial)
    create_sweep(engine, _new_sweep(sweep, plan, dataset, source, initial))
    row = queries.find_sweep(engine, sweep.name)
    return Prepared(sweep, url, engine, row, plan, initial, notes=notes, places=places)


def checked_nodes(
    sweep: Sweep, runs: UPath, url: str
) -> tuple["SharedLocations | None", tuple[str, ...]]:
    """Ask every node of a sweep's cluster whether it can run jobs, before anything is paid for.

    Returns:
        What each node must see, None without a cluster; and what to tell people.

    Raises:
        SearchctlError: the cluster cannot be joined, or a node lacks something; each is named.
            Without a cluster: a file here hides a module from the workers.
    """
    if driver_address(sweep.resources.address) is None:
        refuse_shadowing_files()
        return None, ()
    from searchctl.orchestrator.executors.ray.nodes import check_nodes

    return check_nodes(sweep, runs, url)


def trial_settings(sweep: Sweep) -> list[TrainSettings]:
    """Return the settings of every trial, in the order of their numbers."""
    return [sweep.training.with_params(params) for params in sweep.trials()]


def val_images(dataset: Dataset) -> list[tuple[str, str]]:
    """Return name and group of each validation image: what was scored is judged by groups."""
    return [(name, dataset.group("val", index)) for index, name in enumerate(dataset.names("val"))]


def _check_packages(sweep: Sweep) -> None:
    """Ask for what only finalists need before the first trial, of a sweep without a file too."""
    if sweep.report.features and (problem := embeddings_problem()):
        raise SearchctlError(f"report.features {problem}")


def _check_networks(sweep: Sweep, dataset: Dataset) -> None:
    """Build every distinct network in shapes alone, before anyone pays for an epoch."""
    from searchctl.trainer.run.preflight import network_problems  # imports torch

    settings = trial_settings(sweep)
    size = sweep.data.image_size
    problems = network_problems(settings, len(dataset.class_names), size, sweep.inference)
    if problems:
        raise SearchctlError(*(f"cannot train {problem}" for problem in problems))


def _check_weights(sweep: Sweep, dataset: Dataset, initial: InitialFiles) -> None:
    """Load what the trials begin with into their networks: a misfit would fail a part of them."""
    from searchctl.trainer.run.preflight import weights_problems  # imports torch

    settings = trial_settings(sweep)
    problems = weights_problems(
        settings, len(dataset.class_names), initial.checkpoint, initial.encoder
    )
    if problems:
        fix = "; an init that fits some networks only needs a condition, `when: {model: ..}`"
        raise SearchctlError(*(f"{initial.by_their_origin(each)}{fix}" for each in problems))


def at_address(sweep: Sweep, address: str | None) -> Sweep:
    """Return a sweep with another address of its cluster; None leaves it."""
    if address is None:
        return sweep
    resources = sweep.resources.model_copy(update={"address": address})
    return sweep.model_copy(update={"resources": resources})


def direction_of(sweep: Sweep) -> Direction:
    """Say whether the sweep's score is better when higher or when lower."""
    return "minimize" if sweep.halving.score == "val_loss" else "maximize"


def refuse_other_database(engine: Engine) -> None:
    """See to it that a driver which was submitted to a cluster has the database of its submitter.

    Raises:
        SearchctlError: it has another one: those who submitted it would never hear of it.
    """
    job = submission()
    if job is not None and not knows(engine, job):
        raise SearchctlError(
            f"this driver, job {job}, was submitted from a machine with another database than "
            f"{shown(engine.url)}: set $SEARCHCTL_DB_URL, or $SEARCHCTL_DB_URL_FILE, to the same "
            "database in the environment of the cluster's head, before its `ray start`"
        )


def refuse_second(engine: Engine, sweep: Sweep) -> None:
    """See to it that a sweep is not launched twice.

    Raises:
        SweepExists: there is one of its name.
    """
    stored = next((row for row in queries.list_sweeps(engine) if row.name == sweep.name), None)
    if stored is None:
        return
    changes = differences(Sweep.from_json(stored.spec).spec(), sweep.spec())
    what = f"with other settings ({'; '.join(changes)})" if changes else f"({stored.state})"
    raise SweepExists(
        f"there is a sweep '{sweep.name}' in this database {what}: {_instead(stored)}give this one "
        "another `name:`"
    )


def _instead(stored: SweepRow) -> str:
    """Say what may be done with a sweep in place of a second launch."""
    if stored.driver:
        return f"{stored.driver} drives it, follow it by `searchctl watch {stored.name}`, or "
    return f"go on with it by `searchctl resume {stored.name}`, or " * (stored.state != "FAIL")


def _new_sweep(
    sweep: Sweep, plan: Plan, dataset: Dataset, source: Path | None, initial: InitialFiles
) -> NewSweep:
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
        versions=versions(),
        classes=list(dataset.class_names),
        data_fingerprint=data_fingerprint(sweep.data),
        params=sweep.trials(),
        initial_files=initial.to_json(),
        val_images=val_images(dataset),
    )
