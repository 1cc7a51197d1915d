"""Looks around on every node of a Ray cluster; changes nothing there."""

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

PATIENCE_S = 60.0
"""How long all nodes together may take to answer."""
SIGHT_PATIENCE_S = 300.0
"""How long they may take to look at a data set."""

Look = Callable[[], NodeFacts]


@dataclass(frozen=True)
class SurveyedNode:
    """One node."""

    name: str
    resources: dict[str, float]
    """As Ray counts them."""
    facts: NodeFacts | str
    """By its own account; or why it gave none."""
    clock_ahead: float = 0.0
    """Seconds by which its clock is ahead of ours, as far as that can be told."""
    sight: NodeView | str | None = None
    """What it sees of the sweep's places, or why it did not say; None if it was not asked."""


@dataclass(frozen=True)
class Survey:
    """A cluster."""

    nodes: list[SurveyedNode]
    room: int
    """For so many jobs of the sweep at a time."""
    scales: bool
    """Has it an autoscaler? Asked where there is no room."""


def survey(
    address: str | None,
    look: Look,
    asked: Mapping[str, float],
    places: NodeLocations | None = None,
) -> Survey:
    """Ask every node of a cluster; one that does not answer hides no other.

    Args:
        address: as `connected` takes it; None starts a cluster of this machine.
        look: what each node runs.
        asked: what one job takes of a node, by Ray's names.
        places: what each node that has CPUs must see; None if none is asked.

    Raises:
        SearchctlError: the cluster cannot be joined.
    """
    with connected(address):
        nodes = alive_nodes()
        answers = _ask(nodes, PATIENCE_S, look)
        surveyed = {
            node["NodeID"]: _surveyed(node, answer, look)
            for node, answer in zip(nodes, answers, strict=True)
        }
        if places is not None:
            _add_sights(nodes, surveyed, places)
        room = jobs_that_fit(nodes, asked)
        return Survey(
            list(surveyed.values()), room, scales=not room and address is not None and scales()
        )


def _ask(nodes: list[dict[str, Any]], patience_s: float, function: Any, *arguments: object) -> Any:
    """Run a function on all nodes at once; return what each answered, or in words why not."""
    tasks = [on_node(node["NodeID"], function, *arguments) for node in nodes]
    if tasks:
        ray.wait(tasks, num_returns=len(tasks), timeout=patience_s)
    return [_answer(task) for task in tasks]


def _answer(task: Any, patience_s: float = 0.1) -> Any:
    try:
        return ray.get(task, timeout=patience_s)
    except RayError as error:
        return str(error).strip().splitlines()[-1]


def _surveyed(node: dict[str, Any], answer: NodeFacts | str, look: Look) -> SurveyedNode:
    name, resources = str(node["NodeName"]), dict(node["Resources"])
    if isinstance(answer, str):
        return SurveyedNode(name, resources, answer)
    before = time.time()  # its process is warm now: the clock is read without a wait
    facts: NodeFacts | str = _answer(on_node(node["NodeID"], look), PATIENCE_S)
    after = time.time()
    if isinstance(facts, str):
        return SurveyedNode(name, resources, facts)
    ahead = max(facts.clock - after, min(0.0, facts.clock - before))
    return SurveyedNode(name, resources, facts, ahead)


def _add_sights(
    nodes: list[dict[str, Any]], surveyed: dict[str, SurveyedNode], places: NodeLocations
) -> None:
    """Ask those that answer, and can run jobs."""
    asked = [
        node
        for node in nodes
        if node["Resources"].get("CPU") and isinstance(surveyed[node["NodeID"]].facts, NodeFacts)
    ]
    sights = _ask(asked, SIGHT_PATIENCE_S, node_view_of, places)
    for node, sight in zip(asked, sights, strict=True):
        surveyed[node["NodeID"]] = replace(surveyed[node["NodeID"]], sight=sight)


def run_there(
    address: str, command: Sequence[str], files: Mapping[str, str], patience_s: float
) -> str:
    """Run our command as a job of a cluster; return what it printed.

    The job stays in the cluster's list: Ray may still be at work on one that has just ended, and
    would write a deleted one down again, as failed.

    Args:
        address: of the cluster.
        command: arguments of `searchctl`; it prints JSON.
        files: texts that travel with it, by their names.
        patience_s: how long it may take.

    Raises:
        SearchctlError: the cluster does not answer, or the job has not ended in time.
    """
    jobs, job = ClusterJobs(address), f"searchctl-doctor-{secrets.token_hex(4)}"
    jobs.submit(job, command, files, {SUBMISSION_VARIABLE: job})
    deadline = time.monotonic() + patience_s
    while (state := jobs.state(job)) is None or not state.ended:
        if time.monotonic() > deadline:
            jobs.stop(job)
            raise SearchctlError(
                f"a job of the cluster at {address} did not end in {patience_s:g} s"
            )
        time.sleep(0.5)
    output = jobs.output(job) or ""
    if "{\n" not in output:
        raise SearchctlError(f"a job of the cluster at {address} failed: {tail(output, 3)}")
    return output
