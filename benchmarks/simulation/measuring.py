"""Runs one simulated sweep with the real driver and database, and measures the driver."""

import resource
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, func, select
from upath import UPath

from searchctl.orchestrator.config.sweep import Sweep
from searchctl.orchestrator.executors.base import Source, Stop
from searchctl.orchestrator.run.launch import run
from searchctl.orchestrator.run.preparation.prepare import prepare
from searchctl.orchestrator.storage import schema
from searchctl.orchestrator.storage.reads import queries
from searchctl.orchestrator.storage.rows import SweepRow

from .accounts import accounts
from .cluster import Capacity, SimulatedCluster
from .training import Training

IMAGES = 2975  # of Cityscapes' training split


@dataclass(frozen=True)
class Scenario:
    """One sweep on one cluster."""

    trials: int
    capacity: Capacity
    training: Training = field(default_factory=Training)
    eta: int = 2
    min_fraction: str = "1/32"
    epochs: int = 5
    max_attempts: int = 3

    def sweep(self, folder: Path = Path()) -> Sweep:
        """Return the sweep as a user would write it; its files are below `folder`."""
        return Sweep.model_validate(
            {
                "name": "simulated",
                "data": {"dataset": "scenes", "train": IMAGES, "val": 16},
                "training": {"epochs": self.epochs, "batch_size": 2},
                "space": {
                    "lr": {"low": 1e-5, "high": 1e-1, "log": True},
                    "weight_decay": {"low": 0.0, "high": 0.1},
                    "loss": ["cross_entropy", "dice"],
                },
                "search": {"method": "random", "trials": self.trials},
                "halving": {"eta": self.eta, "min_fraction": self.min_fraction},
                "report": {"images": 0},
                "resources": {"max_attempts": self.max_attempts},
                "storage": {"runs": str(UPath(folder / "runs"))},
            }
        )


@dataclass
class Timed:
    """An executor that measures the duration of each call to its source, the driver."""

    cluster: SimulatedCluster
    seconds: dict[str, float] = field(default_factory=dict)
    cpu_seconds: float = 0.0
    longest_pause: float = 0.0
    """CPU seconds of the longest call; no worker gets a job during a call."""
    mib_before: int = 0

    def run(self, source: Source, stop: Stop) -> None:
        """Run every job of the source on the simulated cluster."""
        self.mib_before = peak_mib()
        self.cluster.run(_TimedSource(source, self), stop)

    @contextmanager
    def timing(self, what: str) -> Iterator[None]:
        """Count the time of the block as the driver's."""
        wall, cpu = time.perf_counter(), time.process_time()
        yield
        self.seconds[what] = self.seconds.get(what, 0.0) + time.perf_counter() - wall
        took = time.process_time() - cpu
        self.cpu_seconds += took
        self.longest_pause = max(self.longest_pause, took)


class _TimedSource:
    """A source that passes all calls on to another one, and measures them."""

    def __init__(self, source: Source, timed: Timed) -> None:
        for name in ("next_job", "started", "on_epoch", "record", "lost"):
            setattr(self, name, _timed(getattr(source, name), timed, name))


def _timed(call: Callable[..., Any], timed: Timed, name: str) -> Callable[..., Any]:
    def timed_call(*arguments: Any) -> Any:
        with timed.timing(name):
            return call(*arguments)

    return timed_call


def measure(scenario: Scenario, url: str, folder: Path) -> dict[str, Any]:
    """Launch a scenario's sweep on a database, and return all measurements."""
    began = time.perf_counter()
    prepared = prepare(scenario.sweep(folder), url)
    launched = time.perf_counter() - began
    cluster = SimulatedCluster(scenario.capacity, scenario.training)
    timed = Timed(cluster)
    began = time.perf_counter()
    row = run(prepared, executor=timed, clock=cluster.clock)
    wall = time.perf_counter() - began
    return {
        "driver": {
            "seconds_to_launch": round(launched, 1),
            **_driver(timed, stored_rows(prepared.engine)),
            "seconds_to_simulate": round(wall, 1),
        },
        "cluster": accounts(cluster),
        "result": result(prepared.engine, row),
    }


def _driver(timed: Timed, rows: dict[str, int]) -> dict[str, Any]:
    busy = timed.cpu_seconds
    return {
        "cpu_seconds": round(busy, 1),
        "wall_seconds": round(sum(timed.seconds.values()), 1),
        "busy_share_of_virtual_time": round(busy / timed.cluster.now, 4),
        "decisions_per_second": round(rows["decisions"] / busy, 1),
        "rows_per_second": round(sum(rows.values()) / busy),
        "cpu_milliseconds_per_job": round(1000 * busy / rows["jobs"], 1),
        "longest_pause_cpu_seconds": round(timed.longest_pause, 2),
        "mib_before": timed.mib_before,
        "peak_mib": peak_mib(),
        "rows": rows,
    }


def stored_rows(engine: Engine) -> dict[str, int]:
    """Count the rows of each of our tables."""
    with engine.connect() as connection:
        return {
            table.name.removeprefix("searchctl_"): connection.execute(
                select(func.count()).select_from(table)
            ).scalar_one()
            for table in schema.metadata.sorted_tables
        }


def result(engine: Engine, row: SweepRow) -> dict[str, Any]:
    """Return how the sweep ended: its finalists, and the number of trials lost to faults."""
    decisions = queries.decisions(engine, row)
    best = [d.trial for d in decisions if d.verdict == "complete"]
    failed = sum(decision.verdict == "failed" for decision in decisions)
    return {"state": row.state, "finalists": best, "trials_lost_to_faults": failed}


def peak_mib() -> int:
    """Return the peak memory of this process in MiB (Linux)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
