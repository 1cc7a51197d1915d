"""The capacity for a sweep: how many trials run at a time, and on how many GPUs."""

from collections.abc import Callable
from dataclasses import dataclass

from searchctl.orchestrator.config.sections.resources import ResourceSettings
from searchctl.orchestrator.core.errors import SearchctlError
from searchctl.orchestrator.core.parallel import most_at_once
from searchctl.trainer.core.machine.cpus import own_cpus


@dataclass(frozen=True)
class Capacity:
    """Resources of a sweep's trials."""

    parallel: int
    """Number of trials at a time."""
    cpus_per_trial: float
    gpus_per_trial: float
    gpus: float
    """Available GPUs; 0 if trials use none."""
    price: float | None = None
    """Price of one GPU hour in any currency."""


def capacity_of(
    resources: ResourceSettings,
    *,
    gpus: int | None = None,
    price: float | None = None,
    gpus_here: Callable[[], int] = lambda: 0,
) -> Capacity:
    """Return the capacity for a sweep.

    Args:
        resources: resources of a trial, and the maximum number of parallel trials.
        gpus: number of GPUs to assume; None uses this machine's GPUs and CPUs.
        price: price of a GPU hour.
        gpus_here: counts this machine's GPUs.

    Raises:
        SearchctlError: not even one trial fits.
    """
    cpus, share = resources.cpus_per_trial, resources.gpus_per_trial
    available = (gpus or gpus_here()) if share else 0
    limits = [_fitting(available, share)] if share else []
    most = resources.max_parallel
    if gpus is None or not (limits or isinstance(most, int)):
        limits.append(int(own_cpus() / cpus))
    parallel = most_at_once(most, min([*limits, *([most] if isinstance(most, int) else [])]))
    if parallel < 1:
        raise SearchctlError(
            f"a trial needs {cpus:g} CPUs and {share:g} GPUs, which is not available: set "
            "the number of GPUs with --gpus, or lower resources.cpus_per_trial"
        )
    return Capacity(parallel, cpus, share, available, price)


def _fitting(gpus: int, share: float) -> int:
    """Return how many trials fit on the GPUs; a fraction never spans two of them."""
    return gpus * int(1 / share) if share < 1 else int(gpus / share)
