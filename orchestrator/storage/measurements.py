"""What is measured once per network and type of hardware, because a limit of a sweep needs it."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields

from sqlalchemy import Connection, Engine, insert, select

from searchctl.orchestrator.halving.limits import Quantity
from searchctl.orchestrator.storage.reads.common import fetch
from searchctl.orchestrator.storage.rows import SweepRow
from searchctl.orchestrator.storage.schema import measurements


@dataclass(frozen=True)
class Measurement:
    """One value, which holds for all trials of the sweep with the same subject and hardware."""

    quantity: Quantity
    subject: str
    """Hash of the params that the quantity depends on (driver/measured.py)."""
    hardware: str
    """Model of the CPU, with the instructions in use, or of the GPU."""
    value: float
    """In the unit of the quantity."""
    trial: int
    """The trial that it was measured of."""
    rung: int


_COLUMNS = [measurements.c[each.name] for each in fields(Measurement)]


def add_measurements(connection: Connection, sweep_id: int, found: Sequence[Measurement]) -> None:
    """Store measurements; a value that was measured before stays as it is."""
    for each in found:
        same = {name: getattr(each, name) for name in ("quantity", "subject", "hardware")}
        stored = select(measurements.c.id).filter_by(sweep_id=sweep_id, **same)
        if connection.execute(stored).first() is None:
            connection.execute(insert(measurements).values(sweep_id=sweep_id, **asdict(each)))


def read_measurements(engine: Engine, sweep: SweepRow) -> list[Measurement]:
    """Return the measurements of a sweep, in the order they were stored."""
    query = select(*_COLUMNS).where(measurements.c.sweep_id == sweep.id)
    return [Measurement(**row) for row in fetch(engine, query.order_by(measurements.c.id))]
