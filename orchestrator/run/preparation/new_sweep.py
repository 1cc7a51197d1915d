"""A new sweep in its database: whether it may be there, and what is stored of it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import Engine

from searchctl.orchestrator.artifacts.initial_files import InitialFiles
from searchctl.orchestrator.config.fingerprint import versions
from searchctl.orchestrator.config.spec import differences
from searchctl.orchestrator.config.sweep import Sweep
from searchctl.orchestrator.core.cluster_address import submission
from searchctl.orchestrator.core.errors import SearchctlError, SweepExists
from searchctl.orchestrator.halving.ladder_rows import ladder_rows
from searchctl.orchestrator.halving.rule import Direction
from searchctl.orchestrator.planning.plan import Plan
from searchctl.orchestrator.run.additions.extend import extend_command, extension_for
from searchctl.orchestrator.run.cohorts import launched_cohorts
from searchctl.orchestrator.storage.connect import shown
from searchctl.orchestrator.storage.reads import queries
from searchctl.orchestrator.storage.rows import SweepRow
from searchctl.orchestrator.storage.submissions import knows
from searchctl.orchestrator.storage.writes.new_sweeps import NewSweep, create_sweep
from searchctl.trainer.data.fingerprints import data_fingerprint
from searchctl.trainer.data.sets.base import Dataset

_STARTING = timedelta(minutes=1)
"""The longest time from the storing of a sweep to the start of its driver."""


def store_sweep(
    engine: Engine,
    sweep: Sweep,
    plan: Plan,
    dataset: Dataset,
    source: Path | None,
    initial: InitialFiles,
) -> SweepRow:
    """Store a new sweep with all its trials; return its row.

    Raises:
        SweepExists: there is one of its name.
    """
    create_sweep(engine, _new_sweep(sweep, plan, dataset, source, initial))
    return queries.find_sweep(engine, sweep.name)


def direction_of(sweep: Sweep) -> Direction:
    """Return whether a higher or a lower score of the sweep is better."""
    return "maximize" if sweep.halving.higher_is_better else "minimize"


def val_images(dataset: Dataset) -> list[tuple[str, str]]:
    """Return name and group of each validation image; statistics go by groups."""
    return [(name, dataset.group("val", index)) for index, name in enumerate(dataset.names("val"))]


def refuse_other_database(engine: Engine) -> None:
    """Check that a driver which was submitted to a cluster has the database of its submitter.

    Raises:
        SearchctlError: it has another one, in which its submitter would never find the sweep.
    """
    job = submission()
    if job is not None and not knows(engine, job):
        raise SearchctlError(
            f"this driver, job {job}, was submitted from a machine with another database than "
            f"{shown(engine.url)}: set $SEARCHCTL_DB_URL, or $SEARCHCTL_DB_URL_FILE, to the same "
            "database in the environment of the cluster's head, before its `ray start`"
        )


def refuse_second(engine: Engine, sweep: Sweep) -> None:
    """Check that a sweep is not launched twice.

    Raises:
        SweepExists: there is one of its name.
    """
    stored = queries.sweep_named(engine, sweep.name)
    if stored is None:
        return
    launched = Sweep.from_json(stored.spec)
    changes = differences(launched.spec(), sweep.spec())
    extension = extension_for(sweep, launched, stored)
    if extension and extension.cohorts and stored.state != "FAIL":
        raise SweepExists(
            f"there is a sweep '{sweep.name}' in this database, with {stored.trials} trials: "
            f"`{extend_command(sweep.name, extension)}` adds the others as a further cohort; or "
            "give this one another `name:`"
        )
    what = f"with other settings ({'; '.join(changes)})" if changes else f"({stored.shown_state})"
    instead = _instead(engine, stored, changed=bool(changes))
    raise SweepExists(
        f"there is a sweep '{sweep.name}' in this database {what}: {instead}give this one another "
        "`name:`"
    )


def _instead(engine: Engine, stored: SweepRow, *, changed: bool) -> str:
    """Return the advice for a sweep that was launched already."""
    if stored.driver:
        return f"{stored.driver} drives it: follow it with `searchctl watch {stored.name}`, or "
    if stored.state in ("COMPLETE", "FAIL"):
        return f"it has ended (`searchctl status {stored.name}`), so "
    if _is_starting(engine, stored):
        return (
            "another launch has just stored it: follow it with `searchctl watch "
            f"{stored.name}`, or "
        )
    option = " --stored" * changed
    return f"resume what was launched with `searchctl resume {stored.name}{option}`, or "


def _is_starting(engine: Engine, stored: SweepRow) -> bool:
    """Return whether the launch that stored a sweep may be about to drive it: it never was yet."""
    if stored.state != "RUNNING" or datetime.now(UTC) - stored.created_at > _STARTING:
        return False
    return all(event.kind != "driver" for event in queries.events(engine, stored))


def _new_sweep(
    sweep: Sweep, plan: Plan, dataset: Dataset, source: Path | None, initial: InitialFiles
) -> NewSweep:
    return NewSweep(
        name=sweep.name,
        source=str(source or ""),
        spec=sweep.to_json(),
        spec_hash=sweep.spec_hash,
        direction=direction_of(sweep),
        ladder=ladder_rows(plan.ladder),
        versions=versions(),
        classes=list(dataset.class_names),
        data_fingerprint=data_fingerprint(sweep.data),
        points=sweep.first_points(),
        cohorts=launched_cohorts(sweep, plan.ladders),
        initial_files=initial.to_json(),
        val_images=val_images(dataset),
    )
