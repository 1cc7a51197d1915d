"""Looks around on every node of a Ray cluster; changes nothing there."""

import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import ray
from ray.exceptions import RayError

from orchestrator.cluster_address import SUBMISSION_VARIABLE
from orchestrator.diagnosis.node import NodeFacts
from orchestrator.errors import SearchctlError
from orchestrator.executors.ray_cluster import alive_nodes, connected, on_node
from orchestrator.executors.ray_jobs import ClusterJobs, tail

PATIENCE_S = 60.0
"""How long all nodes together may take to answer."""

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


def survey(address: str | None, look: Look) -> list[SurveyedNode]:
    """Ask every node of a cluster; one that does not answer hides no other.

    Args:
        address: as `connected` takes it; None starts a cluster of this machine.
        look: what each node runs.

    Raises:
        SearchctlError: the cluster cannot be joined.
    """
    with connected(address):
        nodes = alive_nodes()
        asked = [on_node(node["NodeID"], look) for node in nodes]
        ray.wait(asked, num_returns=len(asked), timeout=PATIENCE_S)
        return [_surveyed(node, task, look) for node, task in zip(nodes, asked, strict=True)]


def _surveyed(node: dict[str, Any], task: Any, look: Look) -> SurveyedNode:
    name, resources = str(node["NodeName"]), dict(node["Resources"])
    try:
        ray.get(task, timeout=0.1)  # its process is warm now: the clock is read without a wait
        before = time.time()
        facts: NodeFacts = ray.get(on_node(node["NodeID"], look), timeout=PATIENCE_S)
        after = time.time()
    except RayError as error:
        return SurveyedNode(name, resources, str(error).strip().splitlines()[-1])
    ahead = max(facts.clock - after, min(0.0, facts.clock - before))
    return SurveyedNode(name, resources, facts, ahead)


def run_there(address: str, command: Sequence[str], patience_s: float) -> str:
    """Run our command as a job of a cluster; return what it printed.

    Raises:
        SearchctlError: the cluster does not answer, or the job has not ended in time.
    """
    jobs, job = ClusterJobs(address), f"searchctl-doctor-{secrets.token_hex(4)}"
    jobs.submit(job, command, {}, {SUBMISSION_VARIABLE: job})
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
