"""The resources of one job."""

from collections.abc import Iterable, Mapping

from searchctl.orchestrator.config.resource_settings import ResourceSettings


def job_resources(resources: ResourceSettings) -> dict[str, float]:
    """Return the resources of one job, by Ray's names."""
    gpus = {"GPU": resources.gpus_per_trial} if resources.gpus_per_trial else {}
    return {"CPU": resources.cpus_per_trial, **gpus, **resources.others}


def no_room(requested: Mapping[str, float], nodes: Iterable[Mapping[str, float]]) -> str:
    """Return a message that no node has the resources of one job, with those of the nodes."""
    have = dict.fromkeys(_shown({name: node.get(name, 0) for name in requested}) for node in nodes)
    return (
        f"one trial asks for {_shown(requested)}, and no node has that (they have "
        f"{', '.join(have) or 'nothing'})"
    )


def _shown(resources: Mapping[str, float]) -> str:
    return " and ".join(f"{amount:g} {name}" for name, amount in resources.items())
