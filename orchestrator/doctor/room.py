"""Checks whether a node of the cluster is large enough for a job of the sweep."""

from collections.abc import Mapping, Sequence

from searchctl.orchestrator.doctor.finding import Finding, error, ok, warning
from searchctl.orchestrator.executors.room import no_room

_SETTINGS = {"CPU": "cpus_per_trial", "GPU": "gpus_per_trial"}


def room_finding(
    asked: Mapping[str, float],
    nodes: Sequence[Mapping[str, float]],
    room: int,
    *,
    local: bool,
    scales: bool,
) -> Finding:
    """Return the finding on the capacity of a cluster.

    Args:
        asked: resources that one job requests.
        nodes: resources of each node.
        room: number of jobs that fit at a time.
        local: whether the cluster is started on this machine.
        scales: whether the cluster has an autoscaler.
    """
    if room:
        return ok("room", f"for {room} job{'s' * (room != 1)} of the sweep at a time")
    found = no_room(asked, nodes)
    fix = f"lower or remove {' and '.join(_at_fault(asked, nodes))}"
    if local:
        return error("room", found, f"{fix}, or name a cluster that has it (--address)")
    if scales:
        return warning("room", found, f"check that the autoscaler can add such a node; else {fix}")
    return error("room", found, f"{fix}, or add a node that has it")


def _at_fault(asked: Mapping[str, float], nodes: Sequence[Mapping[str, float]]) -> list[str]:
    """Return the settings that request more than any node has; all if only their sum does not fit.

    The names are those of the section `resources:`.
    """
    lacking = [
        name for name, amount in asked.items() if all(node.get(name, 0) < amount for node in nodes)
    ]
    return list(dict.fromkeys(f"resources.{_setting(name)}" for name in lacking or asked))


def _setting(resource: str) -> str:
    kind = resource.startswith("accelerator_type:")
    return _SETTINGS.get(resource, "accelerator_type" if kind else "custom")
