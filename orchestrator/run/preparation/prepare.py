"""Prepares a sweep to run: checks data and directories, plans the ladder, stores the sweep.

resume.py does the same for a stored sweep.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Engine
from upath import UPath

from searchctl.orchestrator.artifacts.directory import check_writable, runs_directory
from searchctl.orchestrator.artifacts.initial_files import InitialFiles, settle_initial_files
from searchctl.orchestrator.config.dataset import checked_dataset, every_problem
from searchctl.orchestrator.config.sweep import Sweep
from searchctl.orchestrator.core.errors import CannotStart
from searchctl.orchestrator.own_code.check import check_own_parts
from searchctl.orchestrator.own_code.stored import store_code
from searchctl.orchestrator.own_code.sweep_code import launched_code, with_code
from searchctl.orchestrator.planning.plan import Plan, plan_sweep
from searchctl.orchestrator.run.preparation.cannot_start import storing_cannot_start
from searchctl.orchestrator.run.preparation.checks import (
    check_augments,
    check_labels,
    check_networks,
    check_packages,
    check_scores,
    check_sweep_nodes,
    check_weights,
)
from searchctl.orchestrator.run.preparation.decoding import decode_for
from searchctl.orchestrator.run.preparation.new_sweep import (
    refuse_other_database,
    refuse_second,
    store_sweep,
)
from searchctl.orchestrator.run.preparation.parameter_counts import with_parameter_counts
from searchctl.orchestrator.storage.database import open_database
from searchctl.orchestrator.storage.rows import SweepRow
from searchctl.searchspace import Params
from searchctl.trainer.data.cache.store import OnProgress, ignore_progress
from searchctl.trainer.data.samples import forget_listing
from searchctl.trainer.own_code.files import OwnCode
from searchctl.trainer.settings.training import TrainSettings

if TYPE_CHECKING:
    from searchctl.orchestrator.executors.ray.nodes import SharedLocations

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
    """The trials' initial weights, where they come from files."""
    changes: tuple[str, ...] = ()
    """Changes since the launch, which are recorded when the sweep is resumed."""
    notes: tuple[str, ...] = ()
    """Notes for people before the sweep runs."""
    locations: "SharedLocations | None" = None
    """What every node of its cluster must see; None if jobs run on this machine alone."""
    code: OwnCode | None = None
    """The user's own code, if its trials use any."""

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
    """Check the data and the directories, plan the ladder, and store the sweep.

    The images are decoded, unless they are in this machine's cache. The trials' initial weights and
    own code are copied to the sweep's directory. A sweep that cannot start here is stored too, with
    the reason; its images, augmentations and weights are then checked when it is resumed.

    Args:
        sweep: the sweep.
        url: of its database.
        source: its file, if any.
        tell: called with the number of decoded images and of all; may raise to end it.
        inline: its jobs will run in this process, and not in its cluster.

    Raises:
        CannotStart: its cluster does not answer, or this machine is too small for one trial.
        SearchctlError: own code cannot be imported; a network cannot be built; a package is
            missing; the database, the directory, or initial weights cannot be used; or a node of
            the cluster lacks something.
        SettingsError: a directory of pretrained encoders has none of a trial's, or an augmentation
            fails.
        SweepExists: there is a sweep of that name.
        DataError: a file of the data set is missing or does not fit.
    """
    check_packages(sweep)
    collected = launched_code(sweep, source)
    sweep = with_code(sweep, collected)
    forget_listing()
    dataset = checked_dataset(sweep)
    sweep = with_parameter_counts(sweep, dataset)
    settings = trial_settings(sweep)
    plan = plan_sweep(sweep, len(dataset.names("train")), len(dataset.names("val")))
    check_networks(sweep, settings, dataset)
    check_own_parts(sweep, settings, len(dataset.class_names))
    check_scores(sweep, dataset)
    runs = runs_directory(sweep)
    check_writable(runs, RUNS_FIX)
    engine = open_database(url, create=True)
    refuse_other_database(engine)
    refuse_second(engine, sweep)
    code = store_code(collected, runs) if collected.contents else None
    try:
        locations, notes = (None, ()) if inline else check_sweep_nodes(sweep, runs, url, code)
    except CannotStart:
        initial = settle_initial_files(sweep, engine, runs)
        row = store_sweep(engine, sweep, plan, dataset, source, initial)
        with storing_cannot_start(engine, row):
            raise
    with every_problem(sweep.data):
        decode_for(sweep.data, settings, tell, seed=sweep.seed)
    notes += check_labels(sweep, settings)
    check_augments(sweep)
    initial = settle_initial_files(sweep, engine, runs)
    check_weights(sweep, settings, dataset, initial)
    row = store_sweep(engine, sweep, plan, dataset, source, initial)
    return Prepared(
        sweep, url, engine, row, plan, initial, notes=notes, locations=locations, code=code
    )


def trial_settings(sweep: Sweep, trials: Sequence[Params] | None = None) -> list[TrainSettings]:
    """Return the settings of these trials, or of all trials of the launch; none of a script's."""
    if sweep.script is not None:
        return []
    chosen = sweep.trials() if trials is None else trials
    return [sweep.recipe.with_params(params) for params in chosen]


def at_address(sweep: Sweep, address: str | None) -> Sweep:
    """Return a sweep with another address of its cluster; None leaves it."""
    if address is None:
        return sweep
    resources = sweep.resources.model_copy(update={"address": address})
    return sweep.model_copy(update={"resources": resources})
