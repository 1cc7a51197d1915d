"""Has any node of the cluster room for one job of the sweep?"""

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
    """Judge a cluster by what a job asks for.

    Args:
        asked: what one job takes of a node.
        nodes: what each node has.
        room: for how many jobs at a time they have room.
        local: whether the cluster is started on this machine.
        scales: whether it has an autoscaler.
    """
    if room:
        return ok("room", f"for {room} job{'s' * (room != 1)} of the sweep at a time")
    found = no_room(asked, nodes)
    fix = f"lower or remove {' and '.join(_at_fault(asked, nodes))}"
    if local:
        return error("room", found, f"{fix}, or name a cluster that has it (--address)")
    if scales:
        return warning("room", found, f"see that the autoscaler can add one that does; else {fix}")
    return error("room", found, f"{fix}, or add a node that has it")


def _at_fault(asked: Mapping[str, float], nodes: Sequence[Mapping[str, float]]) -> list[str]:
    """Name the settings that ask for more than any node has; all, where their sum is too much."""
    lacking = [
        name for name, amount in asked.items() if all(node.get(name, 0) < amount for node in nodes)
    ]
    return list(dict.fromkeys(f"resources.{_setting(name)}" for name in lacking or asked))


def _setting(resource: str) -> str:
    kind = resource.startswith("accelerator_type:")
    return _SETTINGS.get(resource, "accelerator_type" if kind else "custom")
