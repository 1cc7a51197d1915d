"""What a sweep's trials run on: how many at a time, and on how many GPUs."""

import os
from collections.abc import Callable
from dataclasses import dataclass

from searchctl.orchestrator.config.resource_settings import ResourceSettings
from searchctl.orchestrator.core.errors import SearchctlError


@dataclass(frozen=True)
class Capacity:
    """What a sweep's trials run on."""

    parallel: int
    """Trials at a time."""
    cpus_per_trial: float
    gpus_per_trial: float
    gpus: float
    """GPUs that are there for it; 0 where trials take none."""
    price: float | None = None
    """Of one GPU hour, in any currency."""


def capacity_of(
    resources: ResourceSettings,
    *,
    gpus: int | None = None,
    price: float | None = None,
    gpus_here: Callable[[], int] = lambda: 0,
) -> Capacity:
    """Return what a sweep runs on.

    Args:
        resources: what a trial occupies, and how many there may be at a time.
        gpus: GPUs to reckon with; where it is None, this machine's GPUs and CPUs count.
        price: of a GPU hour.
        gpus_here: counts this machine's GPUs.

    Raises:
        SearchctlError: there is no room for a single trial.
    """
    cpus, share = resources.cpus_per_trial, resources.gpus_per_trial
    there = (gpus or gpus_here()) if share else 0
    rooms = [_room(there, share)] if share else []
    if gpus is None:
        rooms.append(int(_cpus_here() / cpus))
    parallel = min([*rooms, *filter(None, [resources.max_parallel])])
    if parallel < 1:
        raise SearchctlError(
            f"a trial takes {cpus:g} CPUs and {share:g} GPUs, and there is no room for one: name "
            "what the sweep will run on with --gpus, or lower resources.cpus_per_trial"
        )
    return Capacity(parallel, cpus, share, there, price)


def _room(gpus: int, share: float) -> int:
    """Return how many trials fit; a small share does not lie across two GPUs."""
    return gpus * int(1 / share) if share < 1 else int(gpus / share)


def _cpus_here() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
