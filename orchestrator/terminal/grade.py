"""What people are shown of a plan beside what came of it."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from rich.console import RenderableType
from rich.table import Table

from searchctl.orchestrator.planning.cost import Span
from searchctl.orchestrator.planning.grade import Grade, Graded, StageGrade
from searchctl.orchestrator.planning.retries import Retry
from searchctl.orchestrator.terminal.display import heading, plain_table
from searchctl.orchestrator.terminal.plan import clock, number, size, spread, stage_name

_FAULTS = 5
"""So many jobs are named, the dearest first."""


def grade_report(grade: Grade) -> Iterator[RenderableType]:
    """Yield a sweep's plan beside what it took."""
    yield heading(grade.sweep, f" {grade.state}: its plan and what came of it")
    yield _totals(grade)
    yield ""
    yield _by_stage(grade.stages)
    yield from _notes(grade)
    yield from _faults(grade.faults)


def grade_line(grade: Grade) -> str:
    """Say in one sentence what a sweep took, and how that compares to its plan."""
    whole, faults = grade.total, len(grade.faults)
    said = f"Took {clock(whole.seconds.actual or 0)} of jobs"
    if whole.seconds.ratio is not None:
        said += f", {whole.seconds.ratio:.2f} times what the probe had foreseen"
    if whole.images.ratio is not None:
        said += f", and {100 * whole.images.ratio:.0f} % of the training images that were planned"
    return f"{said}; {faults} {'job' if faults == 1 else 'jobs'} had to be tried again or failed."


def _totals(grade: Grade) -> Table:
    table = plain_table("", "planned", "actual", "ratio", "", left=[""])
    whole = grade.total
    rows: list[tuple[str, Graded, Callable[[float], str]]] = [
        ("jobs", whole.jobs, _count),
        ("images trained", whole.images, _count),
        ("validation images", whole.validation_images, _count),
        ("time of all jobs", whole.seconds, clock),
        ("  of those that ran", grade.same_jobs, clock),
        ("wall time of jobs", whole.wall, clock),
        ("GPU hours", grade.gpu_hours, number),
        ("disk at the end", grade.disk, size),
    ]
    for name, graded, write in rows:
        if graded.planned is not None or (graded.actual and graded is not grade.same_jobs):
            table.add_row(name, *_cells(graded, write), _verdict(graded))
    return table


def _cells(graded: Graded, write: Callable[[float], str]) -> tuple[str, str, str]:
    planned = "-" if graded.planned is None else spread(graded.planned, write)
    return planned, _written(graded.actual, write), _ratio(graded)


def _verdict(graded: Graded) -> str:
    """Say where the actual number lies, of one that was planned with an interval."""
    planned, actual = graded.planned, graded.actual
    if planned is None or actual is None or planned.known:
        return ""
    if actual < planned.low:
        return "below the interval"
    return "above the interval" if actual > planned.high else "in the interval"


def _by_stage(stages: Sequence[StageGrade]) -> Table:
    table = plain_table("rung", "jobs", "images", "x", "validated", "x", "time", "x", "wall", "x")
    for stage in stages:
        columns = (
            (stage.images, _count),
            (stage.validation_images, _count),
            (stage.seconds, clock),
            (stage.wall, clock),
        )
        cells = [
            cell
            for graded, write in columns
            for cell in (_written(graded.actual, write), _ratio(graded))
        ]
        planned = stage.jobs.planned or Span.exactly(0)
        table.add_row(_name(stage), f"{stage.jobs.actual:.0f}/{planned.expected:.0f}", *cells)
    return table


def _name(stage: StageGrade) -> str:
    return stage_name(stage.kind or "ladder", stage.rung or 0)


def _notes(grade: Grade) -> Iterator[str]:
    yield "x: actual over planned, of what was trained, validated and waited for on each rung."
    if grade.measured is None:
        yield (
            "No times were planned: `searchctl launch --probe` measures them, or measure them now "
            "with --probe."
        )
    else:
        when = "at the launch" if grade.measured == "launch" else "just now"
        yield f"Times were measured {when}, on {grade.device}."
    if (grade.disk.ratio or 0) > 1.05:
        yield "Planned on the disk are the finalists' weights; pictures and logs are there too."
    if grade.idle is not None:
        yield (
            f"From the launch to the end, no job ran for {clock(grade.idle)}: workers started, or "
            "no driver was there."
        )


def _faults(faults: Sequence[Retry]) -> Iterator[str]:
    if not faults:
        yield "No attempt was lost or came to nothing."
        return
    counts = Counter(outcome for fault in faults for outcome in fault.outcomes)
    named = ", ".join(f"{many} {outcome}" for outcome, many in counts.items())
    cost = sum(fault.seconds for fault in faults)
    gpu = sum(fault.gpu_seconds for fault in faults)
    yield (
        f"Attempts that came to nothing: {named}; they cost {clock(cost)} of jobs"
        f"{f', {number(gpu / 3600)} GPU hours' * bool(gpu)}:"
    )
    for fault in faults[:_FAULTS]:
        lines = (fault.error or "").strip().splitlines()
        why = f": {lines[-1] if lines[0].startswith('Traceback') else lines[0]}" if lines else ""
        outcomes = ", ".join(fault.outcomes)
        yield f"  trial {fault.trial} {fault.place}, {outcomes}, {clock(fault.seconds)}{why}"
    if len(faults) > _FAULTS:
        rest = sum(fault.seconds for fault in faults[_FAULTS:])
        yield f"  and {len(faults) - _FAULTS} more, {clock(rest)}"


def _written(value: float | None, write: Callable[[float], str]) -> str:
    return "-" if value is None else write(value)


def _ratio(graded: Graded) -> str:
    return "-" if graded.ratio is None else f"{graded.ratio:.2f}"


def _count(value: float) -> str:
    return f"{value:,.0f}"
