"""Checks, before the first job, that every node sees the data set and the sweep's files.

The driver writes a marker among the sweep's files. Each node must find it, and writes its own
marker, which the driver must find: a directory of the same name on each node's own disk fails one
of the two. The first job that starts on a node that joins later checks that node.
"""

import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from typing import Any

import ray
from ray.exceptions import NodeDiedError, RayError
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
from searchctl.trainer.core.errors import CodeError, DataError, SettingsError
from searchctl.trainer.core.results import JobResult
from searchctl.trainer.data.fingerprints import listing_fingerprint
from searchctl.trainer.data.settings import DataSettings
from searchctl.trainer.own_code.files import OwnCode
from searchctl.trainer.own_code.imports import use_code

MARKER = "marker-"
"""Prefix of the markers' names, in the sweep's directory."""
TIMEOUT_S = 300.0
"""Seconds that all nodes together may take to answer."""

_PACKAGES = ("torch", "numpy", "albumentations")


@dataclass(frozen=True)
class SharedLocations:
    """Locations that every node that runs jobs must see."""

    data: DataSettings
    fingerprint: str
    """Hash of the names and sizes of the data set's files."""
    runs: UPath
    """Directory of the sweep's files."""
    token: str
    """Token of the driver, for its marker's name."""
    code: OwnCode | None = None
    """The user's own code, which reads a data set of their own."""

    def mark(self, name: str = "") -> UPath:
        """Return the marker's file of a node, or of the driver."""
        return self.runs / f"{MARKER}{self.token}{name and f'-{name}'}"

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Keep the driver's marker while its sweep runs; remove those of killed drivers."""
        with suppress(OSError):  # a marker that stays is harmless, and the next driver removes it
            for mark in self.runs.glob(f"{MARKER}*"):
                if mark != self.mark():
                    remove_file(mark)
        try:
            yield
        finally:
            with suppress(OSError):
                remove_file(self.mark())

    def problems(self) -> Iterator[str]:
        """Yield what this machine does not see, each with its fix."""
        place = getattr(self.data, "root", None) or f"data set '{self.data.dataset}'"
        try:
            if self.code is not None:
                use_code(self.code)
            if listing_fingerprint(self.data) != self.fingerprint:
                yield f"{place} holds other files than on the driver's node: let both see the same"
        except DataError as error:
            yield f"{str(error).splitlines()[0]}; let it see the data set at the same place"
        except (CodeError, SettingsError, OSError) as error:
            yield f"it cannot import the own code: {str(error).splitlines()[0]}"
        try:
            read_file(self.mark())
        except FileNotFoundError:
            yield f"{self.runs} is not what the driver sees there: {SHARE}"
        except OSError as error:
            yield f"{self.runs} cannot be read ({_reason(error)}): {SHARE}"


@dataclass(frozen=True)
class NodeReport:
    """A node's report on itself."""

    problems: tuple[str, ...]
    versions: dict[str, str]


def check_nodes(
    sweep: Sweep, runs: UPath, url: str, code: OwnCode | None = None
) -> tuple[SharedLocations, tuple[str, ...]]:
    """Check that all nodes of a sweep's cluster can run its jobs, before any of them does.

    Args:
        sweep: the sweep; its cluster is at `resources.address`.
        runs: directory of its files.
        url: of its database.
        code: the user's own code, as stored.

    Returns:
        What every node sees, and notes for people.

    Raises:
        CannotStart: the cluster cannot be joined.
        SearchctlError: a node lacks something; each is named.
    """
    locations = SharedLocations(
        sweep.data, listing_fingerprint(sweep.data), runs, secrets.token_hex(4), code
    )
    write_atomically(locations.mark(), b"")
    try:
        with connected(driver_address(sweep.resources.address)):
            return locations, _check_all(locations, url)
    except SearchctlError:
        remove_file(locations.mark())
        raise


def _check_all(locations: SharedLocations, url: str) -> tuple[str, ...]:
    """Query the nodes, if there are several; return notes for people."""
    nodes = alive_nodes()
    if len(nodes) == 1:
        return ()
    _refuse_sqlite(url, len(nodes))
    return _ask([node for node in nodes if node["Resources"].get("CPU")], locations)


def guarded(runner: Runner, locations: SharedLocations | None) -> Runner:
    """Return a runner whose first job in each process checks its node.

    Otherwise the jobs of a node that joined later could write files that no other node sees.
    """
    if locations is None:
        return runner

    def run(job: JobAttempt, on_epoch: OnEpoch, stop: Stop) -> JobResult:
        try:
            _check_once(locations)
        except SearchctlError as error:
            return JobResult("blocked", None, error=str(error))
        return runner(job, on_epoch, stop)

    return run


@cache  # only of a node without problems: the others may be fixed meanwhile
def _check_once(locations: SharedLocations) -> None:
    if problems := list(locations.problems()):
        raise SearchctlError(f"node {socket.gethostname()}: {'; '.join(problems)}")


def _refuse_sqlite(url: str, nodes: int) -> None:
    if make_url(url).get_backend_name() == "sqlite":
        raise SearchctlError(
            f"the cluster has {nodes} nodes, and SQLite is a file of one machine: no other machine "
            "could follow, stop or resume the sweep; use PostgreSQL (--db "
            "postgresql+psycopg://host/name, or $SEARCHCTL_DB_URL)"
        )


def _ask(nodes: list[dict[str, Any]], locations: SharedLocations) -> tuple[str, ...]:
    """Query all nodes at once; return notes for people.

    Raises:
        SearchctlError: nodes lack something; it names everything, node by node.
    """
    pending = {
        node["NodeID"]: on_node(node["NodeID"], _report, locations, node["NodeID"])
        for node in nodes
    }
    ray.wait(list(pending.values()), num_returns=len(pending), timeout=TIMEOUT_S)
    reports = {node_id: _answer(task) for node_id, task in pending.items()}
    there = {node["NodeID"] for node in alive_nodes()}
    problems, notes = [], []
    for node in nodes:
        report = reports[node["NodeID"]]
        if report is None or node["NodeID"] not in there:  # lost meanwhile
            remove_file(locations.mark(node["NodeID"]))
            continue
        lacking = report.problems or _unseen(locations, node["NodeID"])
        problems += [f"node {_name(node)}: {problem}" for problem in lacking]
        notes += [f"node {_name(node)}: {other}" for other in _other_versions(report.versions)]
    if problems:
        raise SearchctlError(*problems)
    return tuple(notes)


def _report(locations: SharedLocations, node_id: str) -> NodeReport:
    """Check the node that this runs on, and write its marker."""
    problems = list(locations.problems())
    try:
        write_atomically(locations.mark(node_id), b"")
    except OSError as error:
        problems.append(f"{locations.runs} cannot be written to ({_reason(error)}): {SHARE}")
    return NodeReport(tuple(problems), _versions())


def _answer(task: Any) -> NodeReport | None:
    """Return a node's report; None if the node is lost, which Ray may list as alive for a while."""
    try:
        report: NodeReport = ray.get(task, timeout=0.1)
    except NodeDiedError:
        return None
    except RayError as error:
        words = str(error).strip().splitlines()[-1]
        return NodeReport((f"it cannot run our code ({words}): see `ray status`",), {})
    return report


def _unseen(locations: SharedLocations, node_id: str) -> tuple[str, ...]:
    """Check that a node's marker is visible here, and remove it."""
    mark = locations.mark(node_id)
    if not file_exists(mark):
        return (f"what it writes to {locations.runs} is not seen by the driver: {SHARE}",)
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
