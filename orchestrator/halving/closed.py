"""The cohorts on whose trials all decisions are made, pure: what follow-up jobs depend on."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from searchctl.orchestrator.halving.rule import Decision


@dataclass(frozen=True)
class ClosedCohort:
    """A cohort on whose trials all decisions are made."""

    decisions: Collection[Decision]
    """All its decisions, in any order."""
    last_rung: int
    """Number of its rung on all of the data."""
    finalists: int
    """Planned number of trials on that rung."""
    request: int = 0
    """0: requested by the launch; n: by the n-th extension."""


@dataclass(frozen=True)
class CohortShape:
    """The planned number of trials of each rung of a cohort, and the request that it is of."""

    rungs: Sequence[int]
    request: int = 0


def closed_cohorts(
    shapes: Sequence[CohortShape], cohort_of: Mapping[int, int], decisions: Iterable[Decision]
) -> list[ClosedCohort]:
    """Return the cohorts of those requests of which all cohorts are closed.

    Args:
        shapes: all cohorts, in the order of their numbers.
        cohort_of: number of each trial's cohort, for the trials that are drawn.
        decisions: all decisions, in any order.
    """
    made: defaultdict[int, list[Decision]] = defaultdict(list)
    left: defaultdict[int, set[int]] = defaultdict(set)
    for trial, cohort in cohort_of.items():
        left[cohort].add(trial)
    drawn = {*left}
    for decision in decisions:
        cohort = cohort_of[decision.trial]
        made[cohort].append(decision)
        if decision.verdict != "promoted":
            left[cohort].discard(decision.trial)
    open_ = [n for n in range(len(shapes)) if n not in drawn or left[n]]
    return of_ended_requests(shapes, open_, made)


def of_ended_requests(
    shapes: Sequence[CohortShape], open_: Iterable[int], decisions: Mapping[int, list[Decision]]
) -> list[ClosedCohort]:
    """Return the cohorts of those requests of which none is open.

    Args:
        shapes: all cohorts, in the order of their numbers.
        open_: numbers of those that are not closed.
        decisions: all decisions by the number of their cohort.
    """
    unended = [shapes[number].request for number in open_]
    return [
        ClosedCohort(decisions.get(n, []), len(shape.rungs) - 1, shape.rungs[-1], shape.request)
        for n, shape in enumerate(shapes)
        if shape.request < min(unended, default=shape.request + 1)
    ]
