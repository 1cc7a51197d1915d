"""A plan compared with what happened, as tables and sentences."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from rich.console import RenderableType
from rich.table import Table

from searchctl.orchestrator.facts.text import counted, main_line
from searchctl.orchestrator.planning.cost import Span
from searchctl.orchestrator.planning.grade import Grade, Graded, StageGrade
from searchctl.orchestrator.planning.retries import Retry
from searchctl.orchestrator.terminal.display import heading, plain_table
from searchctl.orchestrator.terminal.plans.numbers import clock, number, size, spread, stage_name

_MOST_RETRIES = 5
"""Jobs that are listed, the most expensive first."""


def grade_report(grade: Grade) -> Iterator[RenderableType]:
    """Yield a sweep's plan compared with what happened."""
    yield heading(grade.sweep, f" {grade.state}: plan against actual")
    yield _totals(grade)
    yield ""
    yield _by_stage(grade.stages)
    yield from _notes(grade)
    yield from _retries(grade.faults)


def grade_line(grade: Grade) -> str:
    """Return a sentence on a sweep's cost compared with its plan."""
    whole = grade.total
    line = f"The jobs took {clock(whole.seconds.actual or 0)}"
    if whole.seconds.ratio is not None:
        line += f", {whole.seconds.ratio:.2f} times the estimate of the probe"
    if whole.images.ratio is not None:
        line += f", and trained {100 * whole.images.ratio:.0f} % of the planned images"
    wrong = [retry for retry in grade.faults if not retry.orderly]
    line += f"; {counted(len(wrong), 'job')} failed or had to be retried"
    stopped = len(grade.faults) - len(wrong)
    return f"{line}{f', {stopped} continued after a stop' * bool(stopped)}."


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
            table.add_row(name, *_cells(graded, write), _position(graded))
    return table


def _cells(graded: Graded, write: Callable[[float], str]) -> tuple[str, str, str]:
    planned = "-" if graded.planned is None else spread(graded.planned, write)
    return planned, _written(graded.actual, write), _ratio(graded)


def _position(graded: Graded) -> str:
    """Say whether the actual number is in the planned interval, if there is one."""
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
    return stage_name(stage.kind or "ladder", stage.rung or 0, stage.cohort)


def _notes(grade: Grade) -> Iterator[str]:
    yield "x: actual over planned number, of the column to its left."
    if grade.measured is None:
        yield (
            "No times were planned: measure them at the launch with `searchctl launch --probe`, or "
            "now with --probe."
        )
    else:
        when = "at the launch" if grade.measured == "launch" else "just now"
        yield f"Times were measured {when}, on {grade.device}."
    if (grade.disk.ratio or 0) > 1.05:
        yield "The planned disk space is that of the finalists' weights, without pictures and logs."
    if grade.idle is not None:
        yield (
            f"Between launch and end, no job ran for {clock(grade.idle)}: workers were starting, "
            "or no driver was running."
        )


def _retries(retries: Sequence[Retry]) -> Iterator[str]:
    if not retries:
        yield "No attempt was lost or failed."
        return
    counts = Counter(outcome for retry in retries for outcome in retry.outcomes)
    named = ", ".join(f"{many} {outcome}" for outcome, many in counts.items())
    cost = sum(retry.seconds for retry in retries)
    gpu = sum(retry.gpu_seconds for retry in retries)
    yield (
        f"Lost, failed and stopped attempts: {named}; they cost {clock(cost)} of jobs"
        f"{f', {number(gpu / 3600)} GPU hours' * bool(gpu)}:"
    )
    for retry in retries[:_MOST_RETRIES]:
        why = f": {line}" if (line := main_line(retry.error)) else ""
        outcomes = ", ".join(retry.outcomes)
        yield f"  trial {retry.trial} {retry.place}, {outcomes}, {clock(retry.seconds)}{why}"
    if len(retries) > _MOST_RETRIES:
        rest = sum(retry.seconds for retry in retries[_MOST_RETRIES:])
        yield f"  and {len(retries) - _MOST_RETRIES} more, {clock(rest)}"


def _written(value: float | None, write: Callable[[float], str]) -> str:
    return "-" if value is None else write(value)


def _ratio(graded: Graded) -> str:
    return "-" if graded.ratio is None else f"{graded.ratio:.2f}"


def _count(value: float) -> str:
    return f"{value:,.0f}"
