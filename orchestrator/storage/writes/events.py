"""Appends the events of a sweep, inside of a transaction."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, insert, select

from searchctl.orchestrator.storage import schema


def append_event(
    connection: Connection, sweep_id: int, kind: str, detail: Mapping[str, Any]
) -> None:
    """Append an event unless it equals the newest one, which may be from the same write."""
    events = schema.events
    query = select(events.c.kind, events.c.detail).where(events.c.sweep_id == sweep_id)
    newest = connection.execute(query.order_by(events.c.id.desc()).limit(1)).first()
    if newest is None or tuple(newest) != (kind, detail):
        row = {"sweep_id": sweep_id, "at": now(), "kind": kind, "detail": detail}
        connection.execute(insert(events).values(**row))


def now() -> datetime:
    """Return the moment, as the tables hold it."""
    return datetime.now(UTC)
