"""Probes a sweep on this machine and estimates its cost; imports torch."""

import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import Any

import torch

from searchctl.orchestrator.config.sweep import Sweep
from searchctl.orchestrator.core.errors import SearchctlError
from searchctl.orchestrator.own_code.collect import Collected
from searchctl.orchestrator.planning.capacity import capacity_of
from searchctl.orchestrator.planning.estimate import Measured, forecast, job_times
from searchctl.orchestrator.planning.occupancy.plan_use import Occupancy, occupancy_of
from searchctl.orchestrator.planning.plan import Plan, plan_sweep
from searchctl.orchestrator.planning.probing.probe import probe


@dataclass(frozen=True)
class EstimatedPlan(Measured):
    """A plan with its measured estimate."""

    plan: Plan
    occupancy: Occupancy | None = None
    """How several cohorts use the slots of the trials; None for one cohort."""


def estimate_sweep(
    sweep: Sweep,
    *,
    gpus: int | None = None,
    price: float | None = None,
    tell: Callable[[str], None] = lambda line: None,
) -> EstimatedPlan:
    """Measure a sweep's configurations for some seconds and estimate the cost of the sweep.

    Args:
        sweep: the sweep.
        gpus: number of GPUs to assume in place of this machine's.
        price: price of a GPU hour.
        tell: prints a line for the user about the current step.

    Raises:
        SearchctlError: not even one trial fits, a required GPU is missing, or a trial fails here.
        DataError: a file of the data set is missing or does not fit.
    """
    if sweep.script is not None:
        raise SearchctlError(
            "the speed of a script of your own cannot be measured before: leave --probe out, and "
            "compare afterwards with `searchctl plan --against`"
        )
    fleet = capacity_of(sweep.resources, gpus=gpus, price=price, gpus_here=torch.cuda.device_count)
    measured = probe(sweep, tell)
    plan = plan_sweep(sweep, measured.sizes.train, measured.sizes.val)
    times = job_times(sweep, measured)
    several = len(plan.ladders) > 1
    occupancy = occupancy_of(sweep, plan, fleet.parallel, times.at) if several else None
    together = occupancy.use.wall if occupancy else None
    expected = forecast(plan, times, measured, fleet, together)
    return EstimatedPlan(measured, expected, plan, occupancy)


def estimate_apart(sweep: Sweep, code: Collected, *, one_by_one: bool) -> EstimatedPlan:
    """Run `estimate_sweep` in a separate process, whose end frees the memory of the GPU.

    Args:
        sweep: the sweep.
        code: its own code.
        one_by_one: assume one trial at a time, in place of the setting in the file.

    Raises:
        As `estimate_sweep`.
    """
    values = sweep.to_json()
    if one_by_one:
        values["resources"]["max_parallel"] = 1
    spawning = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawning) as process:
        return process.submit(_estimate_stored, values, code).result()


def _estimate_stored(sweep: dict[str, Any], code: Collected) -> EstimatedPlan:
    code.use()
    return estimate_sweep(Sweep.from_json(sweep))
