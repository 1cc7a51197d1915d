"""Stores why a sweep could not start, so that every view can show it."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine

from searchctl.orchestrator.core.errors import CannotStart
from searchctl.orchestrator.driver.lease import Lease
from searchctl.orchestrator.storage.rows import SweepRow
from searchctl.orchestrator.storage.writes.writer import SweepWriter


@contextmanager
def storing_cannot_start(engine: Engine, row: SweepRow) -> Iterator[None]:
    """Store a sweep as stopped, with the reason, if the body cannot start or join Ray.

    Raises:
        CannotStart: the body's, with the command that continues the sweep.
        SweepBusy: another driver runs the sweep, so nothing is stored.
    """
    try:
        yield
    except CannotStart as error:
        with Lease(engine, row.id) as lease:
            writer = SweepWriter(engine, row.id, lease.token, lease.ttl_s)
            writer.set_state("STOPPED", str(error))
        fix = f"no trial was started. Fix it, then `searchctl resume {row.name}`"
        raise CannotStart(f"{error}\n{fix}") from error
