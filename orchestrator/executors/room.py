"""What one job takes of a node."""

from collections.abc import Iterable, Mapping

from searchctl.orchestrator.config.resource_settings import ResourceSettings


def job_resources(resources: ResourceSettings) -> dict[str, float]:
    """Return what one job takes of a node, by Ray's names."""
    gpus = {"GPU": resources.gpus_per_trial} if resources.gpus_per_trial else {}
    return {"CPU": resources.cpus_per_trial, **gpus, **resources.others}


def no_room(asked: Mapping[str, float], nodes: Iterable[Mapping[str, float]]) -> str:
    """Say that none of these nodes has what one job takes, and what they have of it."""
    have = dict.fromkeys(_shown({name: node.get(name, 0) for name in asked}) for node in nodes)
    return (
        f"one trial asks for {_shown(asked)}, and no node has that (they have "
        f"{', '.join(have) or 'nothing'})"
    )


def _shown(resources: Mapping[str, float]) -> str:
    return " and ".join(f"{amount:g} {name}" for name, amount in resources.items())
