"""What every node that runs jobs must see: the data set, and the sweep's files. Asked beforehand.

The driver leaves a marker among the sweep's files. Each node must find it, and leaves one of its
own that the driver must find: a directory of that name on each node's own disk fails one of the
two. Nodes that join later are asked by the first job that begins on them.
"""

import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from typing import Any

import ray
from ray.exceptions import RayError
from sqlalchemy import make_url
from upath import UPath

from searchctl.orchestrator.config.fingerprint import installed
from searchctl.orchestrator.config.sweep import Sweep
from searchctl.orchestrator.core.cluster_address import driver_address
from searchctl.orchestrator.core.errors import SearchctlError
from searchctl.orchestrator.executors.job import JobAttempt, OnEpoch, Runner, Stop
from searchctl.orchestrator.executors.node_view import SHARE
from searchctl.orchestrator.executors.ray.cluster import alive_nodes, connected, on_node
from searchctl.trainer.core.atomic_files import (
    file_exists,
    read_file,
    remove_file,
    write_atomically,
)
from searchctl.trainer.core.errors import DataError
from searchctl.trainer.core.results import JobResult
from searchctl.trainer.data.samples import listing_fingerprint
from searchctl.trainer.data.settings import DataSettings

MARKER = "marker-"
"""What the names of markers begin with, in the sweep's directory."""
PATIENCE_S = 300.0
"""How long all nodes together may take to answer."""

_PACKAGES = ("torch", "numpy", "albumentations")


@dataclass(frozen=True)
class SharedLocations:
    """What every node that runs jobs must see."""

    data: DataSettings
    fingerprint: str
    """Of the names and sizes of the data set's files."""
    runs: UPath
    """Directory of the sweep's files."""
    token: str
    """Of the driver; names its marker."""

    def mark(self, name: str = "") -> UPath:
        """Return the file that is the marker of a node, or of the driver."""
        return self.runs / f"{MARKER}{self.token}{name and f'-{name}'}"

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Keep the driver's marker while its sweep runs; those that killed drivers left go."""
        with suppress(OSError):  # they harm nobody, and the next driver looks again
            for mark in self.runs.glob(f"{MARKER}*"):
                if mark != self.mark():
                    remove_file(mark)
        try:
            yield
        finally:
            with suppress(OSError):
                remove_file(self.mark())

    def problems(self) -> Iterator[str]:
        """Say what the machine that this runs on lacks, each with the fix."""
        place = getattr(self.data, "root", None) or f"data set '{self.data.dataset}'"
        try:
            if listing_fingerprint(self.data) != self.fingerprint:
                yield f"{place} holds other files than on the driver's node: let both see the same"
        except DataError as error:
            yield f"{str(error).splitlines()[0]}; let it see the data set at the same place"
        try:
            read_file(self.mark())
        except FileNotFoundError:
            yield f"{self.runs} is not what the driver sees there: {SHARE}"
        except OSError as error:
            yield f"{self.runs} cannot be read ({_reason(error)}): {SHARE}"


@dataclass(frozen=True)
class NodeReport:
    """What a node says of itself."""

    problems: tuple[str, ...]
    versions: dict[str, str]


def check_nodes(sweep: Sweep, runs: UPath, url: str) -> tuple[SharedLocations, tuple[str, ...]]:
    """See to it that all nodes of a sweep's cluster can run its jobs, before any of them does.

    Args:
        sweep: the sweep; `resources.address` says where its cluster is.
        runs: directory of its files.
        url: of its database.

    Returns:
        What every node sees, and what to tell people.

    Raises:
        SearchctlError: the cluster cannot be joined, or a node lacks something; each is named.
    """
    places = SharedLocations(
        sweep.data, listing_fingerprint(sweep.data), runs, secrets.token_hex(4)
    )
    write_atomically(places.mark(), b"")
    try:
        with connected(driver_address(sweep.resources.address)):
            return places, _look_at_all(places, url)
    except SearchctlError:
        remove_file(places.mark())
        raise


def _look_at_all(places: SharedLocations, url: str) -> tuple[str, ...]:
    """Ask the nodes, if there are several; return what to tell people."""
    nodes = alive_nodes()
    if len(nodes) == 1:
        return ()
    _refuse_sqlite(url, len(nodes))
    return _ask([node for node in nodes if node["Resources"].get("CPU")], places)


def guarded(runner: Runner, places: SharedLocations | None) -> Runner:
    """Have the first job of each process see to it that its node sees what it must.

    A node that joins later is not asked before; its jobs would else write where nobody looks.
    """
    if places is None:
        return runner

    def run(job: JobAttempt, on_epoch: OnEpoch, stop: Stop) -> JobResult:
        try:
            _check_once(places)
        except SearchctlError as error:
            return JobResult("blocked", None, error=str(error))
        return runner(job, on_epoch, stop)

    return run


@cache  # of a node that has it all: one that lacks something may be fixed
def _check_once(places: SharedLocations) -> None:
    if problems := list(places.problems()):
        raise SearchctlError(f"node {socket.gethostname()}: {'; '.join(problems)}")


def _refuse_sqlite(url: str, nodes: int) -> None:
    if make_url(url).get_backend_name() == "sqlite":
        raise SearchctlError(
            f"the cluster has {nodes} nodes, and SQLite is a file of one machine: no other could "
            "follow, stop or resume the sweep; use PostgreSQL (--db "
            "postgresql+psycopg://host/name, or $SEARCHCTL_DB_URL)"
        )


def _ask(nodes: list[dict[str, Any]], places: SharedLocations) -> tuple[str, ...]:
    """Ask all nodes at once; return what to tell people.

    Raises:
        SearchctlError: with all that is lacking, node by node.
    """
    asked = {
        node["NodeID"]: on_node(node["NodeID"], _look, places, node["NodeID"]) for node in nodes
    }
    ray.wait(list(asked.values()), num_returns=len(asked), timeout=PATIENCE_S)
    there = {node["NodeID"] for node in alive_nodes()}  # one that is lost meanwhile lacks nothing
    problems, notes = [], []
    for node in (each for each in nodes if each["NodeID"] in there):
        report = _answer(asked[node["NodeID"]])
        lacking = report.problems or _unseen(places, node["NodeID"])
        problems += [f"node {_name(node)}: {problem}" for problem in lacking]
        notes += [f"node {_name(node)}: {other}" for other in _other_versions(report.versions)]
    if problems:
        raise SearchctlError(*problems)
    return tuple(notes)


def _look(places: SharedLocations, node_id: str) -> NodeReport:
    """Look around on a node, and leave its marker."""
    problems = list(places.problems())
    try:
        write_atomically(places.mark(node_id), b"")
    except OSError as error:
        problems.append(f"{places.runs} cannot be written to ({_reason(error)}): {SHARE}")
    return NodeReport(tuple(problems), _versions())


def _answer(task: Any) -> NodeReport:
    try:
        report: NodeReport = ray.get(task, timeout=0.1)
    except RayError as error:
        words = str(error).strip().splitlines()[-1]
        return NodeReport((f"it cannot run our code ({words}): see `ray status`",), {})
    return report


def _unseen(places: SharedLocations, node_id: str) -> tuple[str, ...]:
    """Find a node's marker, and remove it: what the node has written must be seen here."""
    mark = places.mark(node_id)
    if not file_exists(mark):
        return (f"what it writes to {places.runs} is not seen by the driver: {SHARE}",)
    remove_file(mark)
    return ()


def _versions() -> dict[str, str]:
    return {package: installed(package) or "nothing" for package in _PACKAGES}


def _other_versions(found: dict[str, str]) -> Iterator[str]:
    here = _versions()
    for package, theirs in found.items():
        if theirs != here[package]:
            yield f"{package} {theirs}, {here[package]} here: scores may differ for it"


def _name(node: dict[str, Any]) -> str:
    name, host = node["NodeName"], node["NodeManagerHostname"]
    return str(name) if name == host else f"{name} ({host})"


def _reason(error: OSError) -> str:
    return error.strerror or str(error)
