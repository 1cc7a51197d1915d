"""Whether jobs one by one in the driver's process take less time than through Ray; pure."""

from searchctl.orchestrator.config.sections.resources import ResourceSettings
from searchctl.orchestrator.core.errors import SearchctlError
from searchctl.orchestrator.planning.capacity import capacity_of
from searchctl.orchestrator.planning.estimate import CostEstimate

RAY_START_S = 10.0
"""Seconds for starting Ray and its first workers on a machine, and for ending them."""


def inline_hint(resources: ResourceSettings, expected: CostEstimate | None) -> str | None:
    """Return a hint to launch with --inline where that is faster; None otherwise.

    Args:
        resources: of the sweep.
        expected: the estimate of a probe; without one, only a sweep that runs one trial at a time
            is known to be faster.
    """
    if resources.address is not None:
        return None
    if _one_by_one(resources):
        gain = "one trial runs at a time"
    elif expected and expected.jobs.expected - expected.wall.expected < RAY_START_S:
        saved = expected.jobs.expected - expected.wall.expected
        gain = f"{expected.fleet.parallel} trials at a time save about {saved:.0f} s"
    else:
        return None
    return f"`launch --inline` is faster: {gain}, and Ray takes about {RAY_START_S:.0f} s to start."


def _one_by_one(resources: ResourceSettings) -> bool:
    """Is it certain that trials run one by one on this machine? Its GPUs are not counted here."""
    if resources.gpus_per_trial:
        return resources.max_parallel == 1
    try:
        return capacity_of(resources).parallel == 1
    except SearchctlError:
        return False
