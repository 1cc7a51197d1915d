"""The estimate of a plan by a probe, as tables and sentences."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from searchctl.orchestrator.facts.sweeps import assignments
from searchctl.orchestrator.planning.probing.gpu_memory import memory_warnings
from searchctl.orchestrator.terminal.display import plain_table
from searchctl.orchestrator.terminal.plans.numbers import clock, number, size, spread, stage_name

if TYPE_CHECKING:
    from searchctl.orchestrator.planning.estimate import CostEstimate
    from searchctl.orchestrator.planning.probing.estimating import EstimatedPlan
    from searchctl.orchestrator.planning.probing.probed import Probe, Speed


def estimate_report(found: "EstimatedPlan") -> Iterator[RenderableType]:
    """Yield the measurements, and the estimated cost of the sweep."""
    expected = found.forecast
    yield ""
    yield from _probe_part(found.probe)
    yield ""
    yield _estimate_table(expected)
    yield from _sums(expected)
    yield from memory_warnings(found.probe, expected.fleet.gpus_per_trial)
    yield from _interval(found)


def _probe_part(probe: "Probe") -> Iterator[RenderableType]:
    timed = [each for each in probe.classes if each.measured]
    timing = f"{len(timed)} of {len(probe.classes)} configurations that differ in speed:"
    where = f" on {probe.device} (CPU threads of a trial: {probe.threads}), {timing}"
    yield Text.assemble(("Probe", "bold"), where)
    columns = ("ms/train image", "ms/val image", "memory", "checkpoint", "trials")
    table = plain_table(*columns, "params", left=["params"])
    for each in sorted(timed, key=lambda probed: probed.speed.train.expected):
        params = assignments(each.params) or "all"
        table.add_row(*_speed(each.speed), str(len(each.trials)), params)
    yield table
    if len(timed) < len(probe.classes):
        yield (
            "Each other configuration is assumed to be as fast as the measured one whose network "
            "has the nearest FLOPs."
        )


def _speed(speed: "Speed") -> tuple[str, ...]:
    return (
        spread(speed.train * 1000, lambda ms: f"{ms:.3g}"),
        spread(speed.score * 1000, lambda ms: f"{ms:.3g}"),
        size(speed.peak_bytes),
        size(speed.checkpoint_bytes),
    )


def _estimate_table(expected: "CostEstimate") -> Table:
    table = plain_table("rung", "one job", "all jobs", f"wall, {expected.fleet.parallel} at a time")
    for stage in expected.stages:
        spans = (stage.one, stage.jobs, stage.wall)
        name = stage_name(stage.kind, stage.rung, stage.cohort)
        table.add_row(name, *(spread(each, clock) for each in spans))
    if len(expected.stages) > 1:
        sums = (spread(expected.jobs, clock), spread(expected.wall, clock))
        table.add_row("all", "", *sums, style="bold")
    return table


def _sums(expected: "CostEstimate") -> Iterator[str]:
    fleet, hours = expected.fleet, expected.hours
    if expected.validation:
        share = expected.validation.expected / expected.jobs.expected
        validated = spread(expected.validation, clock)
        yield f"Validation in training takes {validated} of all jobs: {100 * share:.0f} %."
    if not fleet.gpus_per_trial:
        yield f"CPU hours: {spread(hours, number)}. No GPU is used."
    else:
        rented = expected.rented_hours
        idle = max(0.0, 1 - hours.expected / rented.expected)
        yield (
            f"GPU hours: {spread(hours, number)} used by trials; {spread(rented, number)} for "
            f"{fleet.gpus:g} GPUs from start to end, of which {100 * idle:.0f} % are idle at the "
            "end of rungs."
        )
        if fleet.price is not None:
            used, whole = (spread(each * fleet.price, number) for each in (hours, rented))
            yield f"Price: {used} for hours used by trials, {whole} for GPUs from start to end."
    yield (
        f"Disk: up to {size(expected.disk.peak)} during the sweep, {size(expected.disk.kept)} of "
        f"weights at the end. Memory: up to {size(expected.peak_bytes)} for each trial."
    )


def _interval(found: "EstimatedPlan") -> Iterator[str]:
    yield (
        "In brackets: the range from the fastest configurations surviving at the probe's fastest "
        "measurement to the slowest ones at its slowest. This is not a confidence interval."
    )
    fleet, extra = found.forecast.fleet, []
    if fleet.parallel > 1:
        extra.append(f"{fleet.parallel} parallel trials slow each other down")
    if 0 < fleet.gpus_per_trial < 1:
        extra.append("trials share a GPU, while the probe had a whole one")
    if found.plan.patient:
        extra.append("jobs may stop early")
    always = ["starting Ray and its workers", "decoding images for the first time", "pictures"]
    parts = [*always, *extra]
    yield f"Not included: {'; '.join(parts)}."
