"""Checks whether a node of the cluster is large enough for a job of the sweep."""

from collections.abc import Mapping, Sequence

from searchctl.orchestrator.doctor.finding import Finding, error, ok, warning
from searchctl.orchestrator.executors.room import no_room, room_fix


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
    fix = room_fix(asked, nodes)
    if local:
        return error("room", found, f"{fix}, or name a cluster that has it (--address)")
    if scales:
        return warning("room", found, f"check that the autoscaler can add such a node; else {fix}")
    return error("room", found, f"{fix}, or add a node that has it")
