"""Facts of a sweep's cohorts, computed from their rows. A rung's number is one of its cohort."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
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
    drawn = ("method", "request", "lag", "sources", "retried", "requested_at", "drawn_at")
    names = ("number", "trials", *drawn)
    return [{name: getattr(cohort, name) for name in names} for cohort in cohorts]


def closed_cohorts_of(
    cohorts: Sequence[CohortRow], trials: Iterable[TrialRow], decisions: Iterable[Decision]
) -> list[ClosedCohort]:
    """Return the cohorts of those requests of which all cohorts are closed."""
    shapes = [CohortShape([r["trials"] for r in c.ladder], c.request) for c in cohorts]
    return closed_cohorts(shapes, {t.number: t.cohort for t in trials}, decisions)


def protected_trials(spec: Mapping[str, Any], trials: Iterable[TrialRow]) -> frozenset[int]:
    """Return the numbers of the trials that are never cut.

    With `halving.protect_known`, these are the known points, also one that is tried again.
    """
    if not spec.get("halving", {}).get("protect_known", False):  # older versions stored no setting
        return frozenset()
    return frozenset(trial.number for trial in trials if trial.origin == "known")


def retries_of(trial: TrialRow, cohorts: Sequence[CohortRow]) -> dict[str, int | None]:
    """Return which failed trial a trial tries again, and which trial tries it again, if any.

    Args:
        trial: the trial.
        cohorts: all cohorts of its sweep, in the order of their numbers.
    """
    firsts = [0, *accumulate(cohort.trials for cohort in cohorts)]
    mine = cohorts[trial.cohort]
    retries = mine.retried[trial.number - firsts[mine.number]] if mine.retried else None
    later = [
        firsts[cohort.number] + cohort.retried.index(trial.number)
        for cohort in cohorts
        if trial.number in cohort.retried and cohort.drawn_at
    ]
    return {"retries": retries, "retried_as": later[0] if later else None}
