"""The resources of one job."""

from collections.abc import Iterable, Mapping, Sequence

from searchctl.orchestrator.config.sections.resources import ResourceSettings

_SETTINGS = {"CPU": "cpus_per_trial", "GPU": "gpus_per_trial"}


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


def room_fix(requested: Mapping[str, float], nodes: Sequence[Mapping[str, float]]) -> str:
    """Return the advice for a job that no node has room for.

    It names the settings that request more than any node has, or all if only their sum does not
    fit.

    >>> room_fix({"CPU": 2, "GPU": 1}, [{"CPU": 4}, {"CPU": 8}])
    'lower or remove resources.gpus_per_trial'
    """
    lacking = [
        name
        for name, amount in requested.items()
        if all(node.get(name, 0) < amount for node in nodes)
    ]
    settings = dict.fromkeys(f"resources.{_setting(name)}" for name in lacking or requested)
    return f"lower or remove {' and '.join(settings)}"


def _setting(resource: str) -> str:
    kind = resource.startswith("accelerator_type:")
    return _SETTINGS.get(resource, "accelerator_type" if kind else "custom")


def _shown(resources: Mapping[str, float]) -> str:
    return " and ".join(f"{amount:g} {name}" for name, amount in resources.items())
