"""A driver's lease on its sweep: keeps two drivers apart, and hears of `searchctl stop`.

A driver holds the lease as long as it renews it, by the database's clock. A driver that was taken
for dead and is not (a stopped process, a lost network) finds its token gone and may write nothing
more: every transaction of the writer checks the token itself, so nothing relies on this thread.
"""

import secrets
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Self

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from searchctl.orchestrator.core.errors import LeaseLost, SweepBusy
from searchctl.orchestrator.core.processes import is_dead, worker_name
from searchctl.orchestrator.storage import lease as stored

LEASE_S = 30.0
"""How long a sweep waits for a driver that is silent before another one may take it over."""
RENEW_S = 2.0
"""Seconds between two renewals; also how soon a `searchctl stop` is heard."""


class Lease:
    """Holds a sweep from its entry to its exit, in a thread of its own."""

    def __init__(
        self,
        engine: Engine,
        sweep_id: int,
        *,
        say: Callable[[str], None] = lambda line: None,
        ttl_s: float = LEASE_S,
    ) -> None:
        """Hold the sweep of that id; `say` is told when there is something to wait for."""
        self.token = secrets.token_hex(8)
        self.ttl_s = ttl_s
        self.lost = False
        """Has another driver taken the sweep over?"""
        self.stop_wanted = False
        """Has somebody asked for the sweep's end, with `searchctl stop`?"""
        self.last_heard = datetime.now(UTC)
        """When the driver of before was last heard of, if it never gave the lease back."""
        self._engine = engine
        self._sweep_id = sweep_id
        self._say = say
        self._leaving = threading.Event()
        self._thread = threading.Thread(target=self._renew_often, name="lease", daemon=True)

    def __enter__(self) -> Self:
        """Take the lease; waits for one to run out whose driver may be dead.

        Raises:
            SweepBusy: another driver is at work.
        """
        self._take()
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Give the lease back; a database that does not answer sees it run out."""
        self._leaving.set()
        self._thread.join()
        with suppress(SQLAlchemyError):
            stored.release(self._engine, self._sweep_id, self.token)

    def _take(self) -> None:
        before = stored.holder(self._engine, self._sweep_id)
        if before is not None:
            self.last_heard = datetime.now(UTC) - timedelta(seconds=LEASE_S - before.expires_in)
        held = self._acquire()
        if held is not None and is_dead(held.owner):
            held = self._acquire(replacing=held.token)
        if held is None:
            return
        runs_out = time.monotonic() + held.expires_in
        self._say(
            f"the driver {held.owner} may still be alive: waiting up to {held.expires_in:.0f} s"
        )
        while held is not None:
            if held.expires_in > runs_out - time.monotonic() + 1:
                raise SweepBusy(
                    f"the sweep is being driven by {held.owner}: follow it with `searchctl "
                    "status`, or end it with `searchctl stop`"
                )
            time.sleep(min(1.0, max(0.05, held.expires_in)))
            held = self._acquire()

    def _acquire(self, replacing: str | None = None) -> stored.Holder | None:
        return stored.acquire(
            self._engine,
            self._sweep_id,
            self.token,
            worker_name(),
            self.ttl_s,
            replacing=replacing,
        )

    def _renew_often(self) -> None:
        while not self._leaving.wait(min(RENEW_S, self.ttl_s / 3)):
            try:
                desired = stored.renew(self._engine, self._sweep_id, self.token, self.ttl_s)
                self.stop_wanted = desired == "STOPPED"
            except LeaseLost:
                self.lost = True
                return
            except SQLAlchemyError:
                pass  # the database is away: an unrenewed lease is ours until another takes it
