"""Writes a new sweep, and what others than its driver ask of one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from sqlalchemy import Engine, insert, select, update
from sqlalchemy.exc import IntegrityError

from searchctl.orchestrator.core.errors import SweepExists, SweepNotFound
from searchctl.orchestrator.draws.points import Point
from searchctl.orchestrator.storage import schema
from searchctl.orchestrator.storage.rows import (
    ESTIMATE,
    DesiredState,
    SweepRow,
)
from searchctl.orchestrator.storage.writes.cohorts import (
    NewCohort,
    NewDraw,
    add_cohorts,
    store_draw,
)
from searchctl.orchestrator.storage.writes.events import append_event, now


@dataclass(frozen=True)
class NewSweep:
    """The values of a sweep that are stored at its launch."""

    name: str
    source: str
    spec: Mapping[str, Any]
    spec_hash: str
    direction: Literal["maximize", "minimize"]
    ladder: Sequence[Mapping[str, Any]]
    versions: Mapping[str, str]
    classes: Sequence[str]
    data_fingerprint: str
    points: Sequence[Point]
    """The points of the first cohort's trials, in the order of their numbers."""
    cohorts: Sequence[NewCohort]
    initial_files: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    val_images: Sequence[tuple[str, str]] = ()
    """Name and group of each validation image."""


def create_sweep(engine: Engine, new: NewSweep) -> int:
    """Store a sweep with its cohorts and the trials of the first one; return the sweep's id.

    Raises:
        SweepExists: the database already has a sweep of this name.
    """
    row = {key: value for key, value in vars(new).items() if key not in ("points", "cohorts")}
    states = {"state": "RUNNING", "desired_state": "RUNNING", "created_at": now()}
    try:
        with engine.begin() as connection:
            inserted = connection.execute(insert(schema.sweeps).values(**row, **states))
            (sweep_id,) = inserted.inserted_primary_key or (None,)
            add_cohorts(connection, int(sweep_id or 0), new.cohorts)
            store_draw(connection, int(sweep_id or 0), NewDraw(0, 0, new.points, (), new.versions))
    except IntegrityError as error:
        raise SweepExists(
            f"another launch has just stored a sweep '{new.name}' in this database: follow it with "
            f"`searchctl watch {new.name}`, or give the new one another `name:`"
        ) from error
    return int(sweep_id or 0)


def request_state(engine: Engine, name: str, desired: DesiredState) -> None:
    """Request that a sweep's driver stops or continues. This needs no lease.

    Raises:
        SweepNotFound: the database has no sweep of this name.
    """
    sweeps = schema.sweeps
    with engine.begin() as connection:
        request = update(sweeps).where(sweeps.c.name == name).values(desired_state=desired)
        if not connection.execute(request).rowcount:
            raise SweepNotFound(f"no sweep '{name}' in this database")
        sweep_id = connection.execute(select(sweeps.c.id).where(sweeps.c.name == name)).scalar_one()
        append_event(connection, sweep_id, "requested", {"state": desired})


def store_estimate(engine: Engine, sweep: SweepRow, forecast: Mapping[str, Any]) -> None:
    """Store the estimate of a probe when the sweep is launched; needs no lease."""
    row = {"sweep_id": sweep.id, "at": now(), "kind": ESTIMATE, "detail": forecast}
    with engine.begin() as connection:
        connection.execute(insert(schema.events).values(**row))
