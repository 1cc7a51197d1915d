"""Record of the kills: process, time, time to its end, and errors."""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from tests.chaos.kills.processes import Process, still_alive, title
from tests.chaos.sweeps.places import lingers

GONE_WITHIN_S = 30.0
RAY_GONE_WITHIN_S = 100.0
_LOOK_EVERY_S = 0.25


@dataclass
class Kill:
    """One kill."""

    kind: str
    moment: str
    aim: str
    what: str
    round: int
    seconds: float
    """Since the driver was started."""
    gone_s: float | None = None
    """How long the sweep's processes that it concerned lived on."""
    ray_gone_s: float | None = None
    """How long Ray's own helpers did."""


@dataclass
class Ledger:
    """Keeps count, and prints a line for each thing that happens."""

    planned: int
    kills: list[Kill] = field(default_factory=list)
    stop_s: list[float] = field(default_factory=list)
    """How long drivers took to leave after a signal."""
    faults: list[str] = field(default_factory=list)
    sweeps: int = 0
    """Killed sweeps that ended and were compared."""
    drivers: int = 0
    """Processes that it took to drive them."""
    _dying: list[tuple[float, Kill, set[Process]]] = field(default_factory=list)
    _next_look: float = 0.0

    def add(self, kill: Kill, victims: set[Process]) -> None:
        """Note a kill; its victims are watched until they are gone."""
        self.kills.append(kill)
        if victims:
            self._dying.append((time.monotonic(), kill, victims))
        self.say(
            f"kill {len(self.kills)}/{self.planned}: {kill.what}, {kill.moment} "
            f"(aimed at {kill.aim}), {kill.seconds:.1f} s after its start"
        )

    def look_after(self) -> None:
        """Note which victims are gone."""
        now = time.monotonic()
        if not self._dying or now < self._next_look:
            return
        self._next_look = now + _LOOK_EVERY_S
        alive = still_alive(set().union(*(victims for _, _, victims in self._dying)))
        for entry in list(self._dying):
            since, kill, victims = entry
            if kill.gone_s is None and not _sweeps(victims & alive):
                kill.gone_s = round(now - since, 2)
            if not victims & alive:
                kill.ray_gone_s = round(now - since, 2)
                self._dying.remove(entry)

    def all_gone(self) -> None:
        """Wait until all victims that are the sweep's are gone.

        Raises:
            AssertionError: some are not.
        """
        self._wait(GONE_WITHIN_S, _sweeps)

    def ray_gone(self) -> None:
        """Wait until what waits for a killed Ray has given up.

        Raises:
            AssertionError: some has not.
        """
        self._wait(RAY_GONE_WITHIN_S, set)

    def _wait(self, seconds: float, which: Callable[[set[Process]], set[Process]]) -> None:
        deadline = time.monotonic() + seconds
        while True:
            self.look_after()
            left = which(still_alive(set().union(*(victims for _, _, victims in self._dying))))
            if not left:
                return
            if time.monotonic() > deadline:
                self._dying.clear()
                titles = sorted(title(process) for process in left)
                raise AssertionError(f"still running after {seconds:.0f} s: {titles}")
            time.sleep(_LOOK_EVERY_S)

    def stopped(self, seconds: float) -> None:
        """Note how long a driver took to leave after a signal."""
        self.stop_s.append(round(seconds, 2))

    def fault(self, line: str) -> None:
        """Note something that must not be."""
        self.faults.append(line)
        self.say(line)

    def say(self, line: str) -> None:
        """Print a line now."""
        print(line, flush=True)

    def summary(self) -> dict[str, Any]:
        """Return the counts and times, as they go into a result file."""
        kinds = sorted({kill.kind for kill in self.kills})
        return {
            "kills": len(self.kills),
            "sweeps": self.sweeps,
            "drivers": self.drivers,
            "by_kind": {kind: self._of(kind) for kind in kinds},
            "by_moment": dict(Counter(kill.moment for kill in self.kills)),
            "stop_seconds": _spread(self.stop_s),
            "faults": self.faults,
        }

    def _of(self, kind: str) -> dict[str, Any]:
        kills = [kill for kill in self.kills if kill.kind == kind]
        gone = [kill.gone_s for kill in kills if kill.gone_s is not None]
        ray_gone = [kill.ray_gone_s for kill in kills if kill.ray_gone_s is not None]
        return {
            "kills": len(kills),
            "moments": dict(Counter(kill.moment for kill in kills)),
            "gone_seconds": _spread(gone),
            "ray_gone_seconds": _spread(ray_gone),
        }


def _sweeps(processes: set[Process]) -> set[Process]:
    """Leave out the parts of Ray that wait for it to come back."""
    return {process for process in processes if not lingers(title(process))}


def _spread(seconds: list[float]) -> dict[str, float] | None:
    return {"median": median(seconds), "most": max(seconds)} if seconds else None
