"""A driver's lease on its sweep: keeps two drivers apart, and receives `searchctl stop`.

A driver holds the lease while it renews it, by the database's clock. A driver that only seemed dead
(a stopped process, a lost network) finds its token replaced and can write nothing more: every
transaction of the writer checks the token itself, so nothing relies on this thread.
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

from searchctl.orchestrator.core.errors import DatabaseGone, LeaseLost, SweepBusy
from searchctl.orchestrator.core.processes import is_dead, worker_name
from searchctl.orchestrator.storage import lease as stored

LEASE_S = 30.0
"""Seconds of silence of a driver after which another one may take its sweep over."""
RENEW_S = 2.0
"""Seconds between two renewals; a `searchctl stop` takes as long to arrive."""


class Lease:
    """Holds a sweep between entry and exit; a thread renews it."""

    def __init__(
        self,
        engine: Engine,
        sweep_id: int,
        *,
        say: Callable[[str], None] = lambda line: None,
        ttl_s: float = LEASE_S,
    ) -> None:
        """Hold the sweep of this id; `say` is called with what there is to wait for."""
        self.token = secrets.token_hex(8)
        self.ttl_s = ttl_s
        self.lost = False
        """Has another driver taken the sweep over?"""
        self.stop_requested = False
        """Was a stop requested with `searchctl stop`?"""
        self.database_gone = False
        """Was the database's file deleted? The next write raises the error."""
        self.last_heard = datetime.now(UTC)
        """Time of the previous driver's last renewal, if it never released the lease."""
        self._engine = engine
        self._sweep_id = sweep_id
        self._say = say
        self._leaving = threading.Event()
        self._thread = threading.Thread(target=self._renew_often, name="lease", daemon=True)

    def __enter__(self) -> Self:
        """Acquire the lease; wait for the lease of a driver that may be dead to expire.

        Raises:
            SweepBusy: another driver holds it.
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
        """Release the lease; if the database does not answer, it expires."""
        self._leaving.set()
        self._thread.join()
        with suppress(SQLAlchemyError, DatabaseGone):
            stored.release(self._engine, self._sweep_id, self.token)

    def _take(self) -> None:
        before = stored.holder(self._engine, self._sweep_id)
        if before is not None:
            silent_s = max(0.0, LEASE_S - before.expires_in)  # less if the clock was put back
            self.last_heard = datetime.now(UTC) - timedelta(seconds=silent_s)
        held = self._acquire()
        if held is not None and is_dead(held.owner):
            held = self._acquire(replacing=held.token)
        if held is None:
            return
        # by the expiry it may take hours if the database's clock was put back
        seconds, expires = min(held.expires_in, LEASE_S), held.expires
        runs_out = time.monotonic() + seconds
        self._say(f"the driver {held.owner} may still be alive: waiting up to {seconds:.0f} s")
        while held is not None:
            if held.expires != expires:  # it was renewed
                raise SweepBusy(
                    f"the sweep is being driven by {held.owner}: follow it with `searchctl "
                    "status`, or end it with `searchctl stop`"
                )
            time.sleep(min(1.0, max(0.05, held.expires_in)))
            silent = time.monotonic() >= runs_out
            held = self._acquire(replacing=held.token if silent else None)

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
                self.stop_requested = desired == "STOPPED"
            except LeaseLost:
                self.lost = True
                return
            except DatabaseGone:
                self.database_gone = True
                return
            except SQLAlchemyError:
                pass  # the database is down: an unrenewed lease is ours until it is taken
