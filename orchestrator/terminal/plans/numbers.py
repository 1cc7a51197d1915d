"""Stages, spans of values, times, sizes and sums of money as text."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from searchctl.orchestrator.facts.sweeps import duration
from searchctl.orchestrator.halving.job_key import Kind
from searchctl.orchestrator.planning.cost import Span

if TYPE_CHECKING:
    pass


def stage_name(kind: Kind, rung: int, cohort: int | None = None) -> str:
    """Name a stage: a rung by its cohort, if there are several, and number; others by their kind.

    >>> stage_name("ladder", 3), stage_name("ladder", 3, 1), stage_name("audit", 4)
    ('3', '1/3', 'audit')
    """
    if kind != "ladder":
        return kind
    return str(rung) if cohort is None else f"{cohort}/{rung}"


def spread(span: Span, write: Callable[[float], str]) -> str:
    """Write a span: the expected value, and its ends in brackets unless they look the same.

    >>> spread(Span(1, 2, 4), "{:.0f}".format), spread(Span(2, 2, 2), "{:.0f}".format)
    ('2 (1-4)', '2')
    """
    low, expected, high = write(span.low), write(span.expected), write(span.high)
    return expected if low == high else f"{expected} ({low}-{high})"


def clock(seconds: float) -> str:
    """Write a time span; a short one with one more digit.

    >>> clock(0.314), clock(42.4), clock(95)
    ('0.3s', '42s', '1m35s')
    """
    return f"{seconds:.1f}s" if seconds < 9.95 else duration(seconds)


def size(count: float) -> str:
    """Write a number of bytes.

    >>> size(158431), size(7.9e6), size(1.2e10)
    ('158 kB', '7.9 MB', '12 GB')
    """
    for unit, factor in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= factor:
            value = count / factor
            return f"{value:.0f} {unit}" if value >= 9.95 else f"{value:.1f} {unit}"
    return f"{count:.0f} bytes"


def number(value: float) -> str:
    """Write hours or money.

    >>> number(0.01383), number(12.34), number(1234.5)
    ('0.0138', '12.3', '1,234')
    """
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
