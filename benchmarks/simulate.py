"""Simulates a sweep on a large cluster: real bracket, database and driver, on a virtual clock.

    python benchmarks/simulate.py               # all parts; the large ones take minutes each
    python benchmarks/simulate.py large idle    # some parts; the stored results of others remain
    python benchmarks/simulate.py tables        # the tables of docs/scale.md, from stored results

`driver`: CPU time of the driver, for sweeps of several sizes. `large`: 10,000 trials on 1,000 GPUs,
on SQLite and, if its server is installed, PostgreSQL. `counts`: the cost of the counts of 500
validation images. `idle`: the share of the cluster that the barriers of the synchronous ladder
leave idle, without a database. `orders`: wall time and idle share of a ladder, cohorts of ladders,
early promotion and ASHA, in memory. Each part runs in its own process, so that its memory can be
measured. Seconds are CPU seconds, which do not depend on other work on the machine. `before` is
`driver` as first measured; it is not measured again.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))  # tests have PostgreSQL's server

from machine import RESULTS, keep
from simulation.cluster import Capacity, Faults
from simulation.compare_orders import orders
from simulation.idle import idle
from simulation.measuring import Scenario, measure
from simulation.tables import tables
from simulation.training import Training

MIXED = 0.15
"""Spread of the GPUs' speeds: the slowest of a thousand has half the speed of the median."""
SPOT = Faults(worker_hours=500, lost_results=0.002, spot_hours=0.5, spot_nodes=4)
"""On 1,000 GPUs: one dies every half an hour, and 32 are preempted as often."""

LARGE = Scenario(10_000, Capacity(1000, MIXED, SPOT))
DATABASES = ("sqlite", "postgresql")

MEASURED: dict[str, dict[str, tuple[Scenario, str]]] = {
    "driver": {
        f"{trials} trials, {trials // 10} GPUs": (
            Scenario(trials, Capacity(trials // 10, MIXED, Faults(500, 0.002))),
            "sqlite",
        )
        for trials in (100, 1000)
    },
    "large": {f"10000 trials, 1000 GPUs, {each}": (LARGE, each) for each in DATABASES},
    "counts": {
        f"500 trials, 50 GPUs, {images} validation images": (
            Scenario(500, Capacity(50, MIXED), Training(val_images=images)),
            "sqlite",
        )
        for images in (0, 500)
    },
}
IN_MEMORY = {"idle": idle, "orders": orders}


def main(*parts: str) -> None:
    """Run some parts, or all, and store their results beside the stored ones of the others."""
    kept = _kept()
    for part in parts or (*MEASURED, *IN_MEMORY):
        names = list(MEASURED[part]) if part in MEASURED else [part]
        found = {name: _in_a_process(part, name) for name in names}
        there = {name: each for name, each in found.items() if each is not None}
        kept[part] = there if part in MEASURED else there[part]
        keep("simulate", kept)


def _kept() -> dict[str, Any]:
    file = RESULTS / "simulate.json"
    found = json.loads(file.read_text()) if file.exists() else {}
    return {name: found[name] for name in ("before", *MEASURED, *IN_MEMORY) if name in found}


def _in_a_process(part: str, name: str) -> dict[str, Any] | None:
    command = [sys.executable, __file__, "--one", part, name]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, Any] | None = json.loads(done.stdout.splitlines()[-1])
    return found


def _one(part: str, name: str) -> dict[str, Any] | None:
    if part in IN_MEMORY:
        return IN_MEMORY[part]()
    scenario, database = MEASURED[part][name]
    with tempfile.TemporaryDirectory() as folder, _database(database, Path(folder)) as url:
        return measure(scenario, url, Path(folder)) if url else None


@contextmanager
def _database(kind: str, folder: Path) -> Iterator[str | None]:
    """Yield the URL of an empty database; None if PostgreSQL's server is not installed."""
    if kind == "sqlite":
        yield f"sqlite:///{folder}/sweep.db"
        return
    from tests.servers.postgres_server import PostgresServer, binaries

    if binaries() is None:
        yield None
        return
    with PostgresServer() as server:
        yield server.new_database()


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        print(json.dumps(_one(*sys.argv[2:])))
    elif sys.argv[1:] == ["tables"]:
        print(tables(json.loads((RESULTS / "simulate.json").read_text())))
    else:
        main(*sys.argv[1:])
