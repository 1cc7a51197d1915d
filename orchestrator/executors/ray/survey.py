"""Collects facts of every node of a Ray cluster; changes nothing there."""

import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import ray
from ray.exceptions import RayError

from searchctl.orchestrator.core.cluster_address import SUBMISSION_VARIABLE
from searchctl.orchestrator.core.errors import SearchctlError
from searchctl.orchestrator.executors.node_facts import NodeFacts
from searchctl.orchestrator.executors.node_view import NodeLocations, NodeView, node_view_of
from searchctl.orchestrator.executors.ray.cluster import (
    alive_nodes,
    connected,
    jobs_that_fit,
    on_node,
    scales,
)
from searchctl.orchestrator.executors.ray.jobs import ClusterJobs, tail

TIMEOUT_S = 60.0
"""Seconds that all nodes together may take to answer."""
VIEW_TIMEOUT_S = 300.0
"""Seconds that they may take to read a data set's files."""

Look = Callable[[], NodeFacts]


@dataclass(frozen=True)
class SurveyedNode:
    """One node."""

    name: str
    resources: dict[str, float]
    """By Ray's names."""
    facts: NodeFacts | str
    """As it describes itself; or why it did not."""
    clock_ahead: float = 0.0
    """Seconds by which its clock is ahead of this machine's, as measured."""
    view: NodeView | str | None = None
    """Its view of the sweep's locations, or why there is none; None if not requested."""


@dataclass(frozen=True)
class Survey:
    """A cluster."""

    nodes: list[SurveyedNode]
    room: int
    """Jobs of the sweep that fit at once."""
    scales: bool
    """Does it have an autoscaler? Determined only if there is no room."""


def survey(
    address: str | None,
    look: Look,
    requested: Mapping[str, float],
    locations: NodeLocations | None = None,
) -> Survey:
    """Query every node of a cluster; the others are reported if one does not answer.

    Args:
        address: as in `connected`; None starts a cluster on this machine.
        look: what each node runs.
        requested: resources of one job, by Ray's names.
        locations: what each node with CPUs must see; None if that is not checked.

    Raises:
        SearchctlError: the cluster cannot be joined.
    """
    with connected(address):
        nodes = alive_nodes()
        answers = _ask(nodes, TIMEOUT_S, look)
        surveyed = {
            node["NodeID"]: _surveyed(node, answer, look)
            for node, answer in zip(nodes, answers, strict=True)
        }
        if locations is not None:
            _add_views(nodes, surveyed, locations)
        room = jobs_that_fit(nodes, requested)
        return Survey(
            list(surveyed.values()), room, scales=not room and address is not None and scales()
        )


def _ask(nodes: list[dict[str, Any]], timeout_s: float, function: Any, *arguments: object) -> Any:
    """Run a function on all nodes at once; return each result, or a message why there is none."""
    tasks = [on_node(node["NodeID"], function, *arguments) for node in nodes]
    if tasks:
        ray.wait(tasks, num_returns=len(tasks), timeout=timeout_s)
    return [_answer(task) for task in tasks]


def _answer(task: Any, timeout_s: float = 0.1) -> Any:
    try:
        return ray.get(task, timeout=timeout_s)
    except RayError as error:
        return str(error).strip().splitlines()[-1]


def _surveyed(node: dict[str, Any], answer: NodeFacts | str, look: Look) -> SurveyedNode:
    name, resources = str(node["NodeName"]), dict(node["Resources"])
    if isinstance(answer, str):
        return SurveyedNode(name, resources, answer)
    before = time.time()  # its process has started by now, so the clock is read at once
    facts: NodeFacts | str = _answer(on_node(node["NodeID"], look), TIMEOUT_S)
    after = time.time()
    if isinstance(facts, str):
        return SurveyedNode(name, resources, facts)
    ahead = max(facts.clock - after, min(0.0, facts.clock - before))
    return SurveyedNode(name, resources, facts, ahead)


def _add_views(
    nodes: list[dict[str, Any]], surveyed: dict[str, SurveyedNode], locations: NodeLocations
) -> None:
    """Add the views of the nodes that answer and can run jobs."""
    queried = [
        node
        for node in nodes
        if node["Resources"].get("CPU") and isinstance(surveyed[node["NodeID"]].facts, NodeFacts)
    ]
    views = _ask(queried, VIEW_TIMEOUT_S, node_view_of, locations)
    for node, view in zip(queried, views, strict=True):
        surveyed[node["NodeID"]] = replace(surveyed[node["NodeID"]], view=view)


def run_there(
    address: str, command: Sequence[str], files: Mapping[str, bytes], timeout_s: float
) -> str:
    """Run `searchctl` as a job of a cluster; return its output.

    The job stays in the cluster's list: Ray may still process a job that has just ended, and would
    list a deleted one again, as failed.

    Args:
        address: of the cluster.
        command: arguments of `searchctl`; it prints JSON.
        files: contents of files that are sent with it, by their names.
        timeout_s: seconds that it may take.

    Raises:
        SearchctlError: the cluster does not answer, or the job has not ended in time.
    """
    jobs, job = ClusterJobs(address), f"searchctl-doctor-{secrets.token_hex(4)}"
    jobs.submit(job, command, files, {SUBMISSION_VARIABLE: job})
    deadline = time.monotonic() + timeout_s
    while (state := jobs.state(job)) is None or not state.ended:
        if time.monotonic() > deadline:
            jobs.stop(job)
            raise SearchctlError(
                f"a job of the cluster at {address} did not end in {timeout_s:g} s"
            )
        time.sleep(0.5)
    output = jobs.output(job) or ""
    if "{\n" not in output:
        raise SearchctlError(f"a job of the cluster at {address} failed: {tail(output, 3)}")
    return output
