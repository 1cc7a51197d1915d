"""Facts of a sweep's cohorts, computed from their rows. A rung's number is one of its cohort."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from searchctl.orchestrator.halving.closed import ClosedCohort, CohortShape, closed_cohorts
from searchctl.orchestrator.halving.rule import Decision
from searchctl.orchestrator.storage.rows import CohortRow, TrialRow


def rung_name(rung: int, cohort: int | None) -> str:
    """Name a rung within its sweep; `cohort` is None if the sweep has only one.

    >>> rung_name(2, None), rung_name(2, 1)
    ('rung 2', 'cohort 1 rung 2')
    """
    return f"rung {rung}" if cohort is None else f"cohort {cohort} rung {rung}"


def all_rungs(cohorts: Sequence[CohortRow]) -> list[dict[str, Any]]:
    """Return the rungs of all cohorts; each has the number of its cohort if there are several."""
    several = len(cohorts) > 1
    return [
        {**rung, **({"cohort": cohort.number} if several else {})}
        for cohort in cohorts
        for rung in cohort.ladder
    ]


def cohort_numbers(rungs: Iterable[Mapping[str, Any]]) -> list[int]:
    """Return the number of each trial's cohort, from the first rungs of `all_rungs`."""
    first = (rung for rung in rungs if rung["rung"] == 0)
    return [rung.get("cohort", 0) for rung in first for _ in range(rung["trials"])]


def cohort_facts(cohorts: Iterable[CohortRow]) -> list[dict[str, Any]]:
    """Return what views show of each cohort."""
    names = ("number", "trials", "method", "request", "lag", "sources", "requested_at", "drawn_at")
    return [{name: getattr(cohort, name) for name in names} for cohort in cohorts]


def closed_cohorts_of(
    cohorts: Sequence[CohortRow], trials: Iterable[TrialRow], decisions: Iterable[Decision]
) -> list[ClosedCohort]:
    """Return the cohorts of those requests of which all cohorts are closed."""
    shapes = [CohortShape([r["trials"] for r in c.ladder], c.request) for c in cohorts]
    return closed_cohorts(shapes, {t.number: t.cohort for t in trials}, decisions)
