"""Environments of a sweep: one machine with a file, or a Ray cluster with a database server."""

import os
import random
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

from tests.chaos.kills.processes import Process, descendants, title
from tests.chaos.sweeps.sweep_files import Kind
from tests.servers.postgres_server import PostgresServer

_NODE_MEMORY = 80_000_000


def lingers(title: str) -> bool:
    """Is this a part of Ray that waits a minute for a killed Ray to come back?

    Its agents do, and a worker that was just being started and runs no job yet.
    """
    return title in ("ray::DashboardAgent", "ray::RuntimeEnvAgent") or "default_worker.py" in title


class Place:
    """Somewhere that sweeps run."""

    name: ClassVar[str]
    sweep: ClassVar[Kind]
    """Which sweep runs there."""
    kinds: ClassVar[tuple[str, ...]]
    """What can be killed there (kills.py)."""
    address: str | None = None
    """Ray cluster; None if each driver starts its own."""

    def new_database(self, folder: Path) -> str:
        """Return the URL of a database that holds nothing."""
        raise NotImplementedError

    def processes(self) -> set[Process]:
        """Return all that runs for a sweep just now, and must not outlive it."""
        ours = descendants(os.getpid())
        return {each for each in ours if each.pid != os.getpid() and self._must_go(title(each))}

    def _must_go(self, title: str) -> bool:
        return not lingers(title)

    def close(self) -> None:
        """End what was started."""


class Laptop(Place):
    """One machine: SQLite, and a Ray that comes and goes with its driver."""

    name = "laptop"
    sweep = "retrain"
    kinds = (
        *("driver", "worker", "SIGTERM", "SIGINT", "SIGINT twice"),
        *("ray", "driver", "worker"),
    )

    def new_database(self, folder: Path) -> str:
        """Return the URL of a file in the folder."""
        return f"sqlite:///{folder / 'searchctl.db'}"


class Extended(Laptop):
    """The same, with a sweep of cohorts that is extended at its end."""

    name = "extended"
    sweep = "cohorts"
    kinds = ("driver", "worker", "SIGTERM")


@contextmanager
def _signals_are_ours() -> Iterator[None]:
    """Undo that each Ray node takes SIGTERM for itself."""
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


class Cluster(Place):
    """PostgreSQL, and a Ray cluster: a head that runs no jobs, and two nodes that can be lost."""

    name = "cluster"
    sweep = "warm"
    kinds = ("node", "postgres", "worker", "driver", "SIGTERM", "node", "postgres")

    def __init__(self) -> None:
        os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"  # loopback only
        os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
        from ray import cluster_utils

        self._server = PostgresServer()
        self._server.start()
        with _signals_are_ours():
            self._ray = cluster_utils.Cluster(
                initialize_head=True,
                head_node_args={"num_cpus": 0, **self._node()},
            )
        self.address = self._ray.address
        self._nodes: list[Any] = []
        self.add_node()
        self.add_node()

    def new_database(self, folder: Path) -> str:
        """Return the URL of a database on the server."""
        return self._server.new_database()

    def add_node(self) -> None:
        """Add a node of one CPU."""
        with _signals_are_ours():
            node = self._ray.add_node(num_cpus=1, **self._node())
        self._nodes.append(node)

    def _node(self) -> dict[str, Any]:
        """A node has a directory of its own: one of a neighbour would remove its jobs' code."""
        return {"object_store_memory": _NODE_MEMORY, "temp_dir": tempfile.mkdtemp(prefix="n-")}

    def lose_node(self, rng: random.Random) -> set[Process]:
        """Kill all that keeps one node alive; return its processes."""
        node = self._nodes.pop(rng.randrange(len(self._nodes)))
        lost = set[Process]().union(*(descendants(pid) for _, pid in node.live_processes()))
        self._ray.remove_node(node, allow_graceful=False)
        return lost

    def end_database(self, rng: random.Random) -> str:
        """Take PostgreSQL away, in one of the ways in which it goes; say how."""
        how = rng.choice(("killed", "immediate", "fast"))
        if how == "killed":
            self._server.kill()
        else:
            self._server.stop(how)
        return f"PostgreSQL {how}" if how == "killed" else f"PostgreSQL stopped ({how})"

    def start_database(self) -> None:
        """Start it again, on what it finds on the disk."""
        self._server.start()

    def close(self) -> None:
        """End the nodes and the server."""
        self._ray.shutdown()
        self._server.remove()

    def _must_go(self, title: str) -> bool:
        """Check whether a process is a worker of the sweep; others below the nodes may stay."""
        return "bin/searchctl" in title or title.startswith("ray::Implicit")


PLACES: dict[str, type[Place]] = {place.name: place for place in (Laptop, Cluster, Extended)}
