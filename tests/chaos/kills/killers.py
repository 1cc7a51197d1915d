"""Kinds of kills; each is a function of the scene."""

import random
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.chaos.kills.moments import NodeView
from tests.chaos.kills.processes import Process, descendants, kill, title
from tests.chaos.sweeps.driver import Driver
from tests.chaos.sweeps.places import Place


@dataclass(frozen=True)
class Scene:
    """Everything that a killer may reach."""

    driver: Driver
    place: Place
    sight: NodeView
    rng: random.Random
    family: set[Process]
    """All processes of the sweep, those that run its jobs elsewhere included."""


@dataclass(frozen=True)
class Hit:
    """What was done."""

    what: str
    victims: set[Process]
    """Processes that must be gone soon."""
    exits: set[int] = field(default_factory=set)
    """How the driver ends by this; empty if it must live."""
    fix: Callable[[], None] | None = None
    """Brings back what was taken away, after a while."""


_PARTS_OF_RAY = ("/gcs_server ", "/raylet ")

Killer = Callable[[Scene], Hit | None]
"""Kills something; returns None if there is nothing to kill just now."""


def _driver(scene: Scene) -> Hit:
    scene.driver.signal(signal.SIGKILL)
    return Hit(f"SIGKILL to the driver {scene.driver.pid}", scene.family, {-signal.SIGKILL})


def _stop_by(number: signal.Signals) -> Killer:
    def ask(scene: Scene) -> Hit:
        scene.driver.signal(number)
        # before there is a handler, the signal itself ends it; 0 if the sweep just ended
        exits = {128 + number, -number, 0}
        return Hit(f"{number.name} to the driver {scene.driver.pid}", scene.family, exits)

    return ask


def _impatient(scene: Scene) -> Hit:
    scene.driver.signal(signal.SIGINT)
    time.sleep(scene.rng.uniform(0.05, 1.0))
    scene.driver.signal(signal.SIGINT)
    exits = {128 + signal.SIGINT, -signal.SIGINT, 0}
    return Hit(f"SIGINT twice to the driver {scene.driver.pid}", scene.family, exits)


def _worker(scene: Scene) -> Hit | None:
    if not scene.sight.workers:
        return None
    pid = _pid(scene.rng.choice(scene.sight.workers))
    victims = descendants(pid)
    kill(pid)
    return Hit(f"SIGKILL to the worker {pid}", victims)


def _node(scene: Scene) -> Hit:
    victims = scene.place.lose_node(scene.rng)
    return Hit("a Ray node lost", victims, fix=scene.place.add_node)


def _database(scene: Scene) -> Hit:
    what = scene.place.end_database(scene.rng)
    # a driver that is still starting cannot wait: it reports the missing database and ends
    exits = {1} if scene.sight.starting else set()
    return Hit(what, set(), exits, fix=scene.place.start_database)


def _ray(scene: Scene) -> Hit | None:
    """Kill a main part of the Ray that the driver has started for itself."""
    parts = [each for each in scene.family if any(part in title(each) for part in _PARTS_OF_RAY)]
    if not parts:
        return None
    part = scene.rng.choice(sorted(parts))
    name = Path(title(part).partition(" ")[0]).name
    kill(part.pid)
    return Hit(f"SIGKILL to Ray's {name} {part.pid}", scene.family, {1})


def _pid(worker: str) -> int:
    return int(worker.rpartition(":")[2])


KILLERS: dict[str, Killer] = {
    "driver": _driver,
    "SIGTERM": _stop_by(signal.SIGTERM),
    "SIGINT": _stop_by(signal.SIGINT),
    "SIGINT twice": _impatient,
    "worker": _worker,
    "ray": _ray,
    "node": _node,
    "postgres": _database,
}
