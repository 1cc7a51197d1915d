"""How far the small samples of a sweep can be trusted, from its stored decisions."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from sqlalchemy import Engine

from searchctl.orchestrator.analysis.certainty import Certainty, NotKnown, read_certainty
from searchctl.orchestrator.analysis.follow_up import FollowUp, read_follow_up
from searchctl.orchestrator.core.errors import SearchctlError
from searchctl.orchestrator.halving.rule import Decision, Direction
from searchctl.orchestrator.statistics.drift import (
    AllParams,
    Drift,
    Typical,
    drifts,
    numeric,
    searched,
    typical,
)
from searchctl.orchestrator.statistics.rank_agreement import Agreement, rank_agreement
from searchctl.orchestrator.storage.reads.sweep_rows import SweepRows
from searchctl.orchestrator.storage.rows import CohortRow, SweepRow, TrialRow
from searchctl.orchestrator.storage.scores import ranked_by
from searchctl.trainer.scores.catalog import ScoreName


@dataclass(frozen=True)
class Step:
    """Two consecutive rungs compared."""

    lower: int
    upper: int
    lower_images: int
    upper_images: int
    agreement: Agreement
    cohort: int | None = None
    """Number of the cohort; None if the sweep has only one."""


@dataclass(frozen=True)
class Preferred:
    """Typical value of one hyperparameter among the best trials of each rung."""

    name: str
    of_all: Typical | None
    """Typical value of all trials of the sweep."""
    kept: list[Typical | None]
    """Typical value of the trials that each rung kept; on the last rung, the best one's."""


@dataclass(frozen=True)
class Fidelity:
    """Comparison of the closed rungs of a sweep.

    Of several cohorts, params are compared in the first one alone: its trials are drawn at random,
    while a model draws others where it expects good ones.
    """

    sweep: str
    score: ScoreName
    """The score that ranks the trials."""
    certainty: Certainty | NotKnown | None
    """How sure the winner is; None before the last rung is closed."""
    steps: list[Step]
    """Of all cohorts; empty if all ladders have one rung, on all of the data."""
    preferred: list[Preferred]
    drifts: list[Drift]
    ended: bool
    """Whether the last rung of the first cohort is closed, so that it has a best trial."""
    several: bool
    """Whether the sweep has several cohorts, and `preferred` and `drifts` are of the first."""
    appraised: FollowUp | None
    """Results of the follow-up jobs; None while none of them has ended."""


def read_fidelity(engine: Engine, row: SweepRow, rows: SweepRows | None = None) -> Fidelity:
    """Compare the closed rungs of a sweep; a ladder of one rung has none to compare.

    Args:
        engine: the sweep's database.
        row: the sweep.
        rows: its rows, where some were read before.

    Raises:
        SearchctlError: the ladder has several rungs, and fewer than two are closed.
    """
    rows = rows or SweepRows(engine, row)
    trials, cohorts = rows.trials, rows.cohorts
    closed = _closed_rungs(rows.decisions, trials)
    if all(len(closed.get(each.number, ())) < 2 <= len(each.ladder) for each in cohorts):
        raise SearchctlError(
            f"fewer than two rungs of sweep '{row.name}' are closed: wait until two can be "
            f"compared (`searchctl status {row.name}`)"
        )
    steps = [
        step
        for each in cohorts
        for step in _steps(closed.get(each.number, []), each, len(cohorts) > 1, row.direction)
    ]
    first = closed.get(0, [])
    params = {trial.number: trial.params for trial in trials if trial.cohort == 0}
    kept, ended = [_best(rung) for rung in first], len(first) == len(row.ladder)
    if ended:
        ranked = rows.best(1) if len(params) == len(trials) else rows.ranked
        kept[-1] = [each.trial for each in ranked if each.trial in params][:1]
    return Fidelity(
        row.name,
        ranked_by(row.spec),
        read_certainty(engine, row, rows),
        steps,
        list(_preferred(params, kept)),
        drifts(params, [_scores(rung, row.direction) for rung in first]),
        ended,
        len(cohorts) > 1,
        read_follow_up(engine, row, rows),
    )


_Rungs = Sequence[Sequence[Decision]]


def _closed_rungs(
    decisions: Iterable[Decision], trials: Iterable[TrialRow]
) -> dict[int, list[list[Decision]]]:
    """Return the ranked decisions of each closed rung of each cohort."""
    cohort_of = {trial.number: trial.cohort for trial in trials}
    found: dict[tuple[int, int], list[Decision]] = {}
    for each in decisions:
        here = found.setdefault((cohort_of[each.trial], each.rung), [])
        here.extend([each] if each.rank is not None else [])
    closed: dict[int, list[list[Decision]]] = {}
    for (cohort, _), rung in sorted(found.items(), key=lambda item: item[0]):
        closed.setdefault(cohort, []).append(rung)
    return closed


def _steps(
    closed: _Rungs, cohort: CohortRow, several: bool, direction: Direction
) -> Iterator[Step]:
    scores = [_scores(rung, direction) for rung in closed]
    images = [rung["images"] for rung in cohort.ladder]
    for lower, upper in pairwise(range(len(closed))):
        agreement = rank_agreement(scores[lower], scores[upper], _top(closed[upper]))
        number = cohort.number if several else None
        yield Step(lower, upper, images[lower], images[upper], agreement, number)


def _scores(rung: Sequence[Decision], direction: Direction) -> dict[int, float]:
    """Return the scores of a rung, with the sign that makes higher better."""
    sign = 1 if direction == "maximize" else -1
    return {each.trial: sign * (each.score or 0.0) for each in rung}


def _top(rung: Sequence[Decision]) -> int:
    """Return how many trials a rung keeps; 1 (the winner) if it cuts none."""
    kept = rung[0].kept if rung else 0
    return kept if kept < len(rung) else 1


def _preferred(params: AllParams, kept: Sequence[list[int]]) -> Iterator[Preferred]:
    numbers = numeric(params)
    for name in searched(params):
        of_all, *of_rungs = (
            typical(name, params, trials, numbers) for trials in (list(params), *kept)
        )
        yield Preferred(name, of_all, of_rungs)


def _best(rung: Sequence[Decision]) -> list[int]:
    """Return the trials that a rung promoted; on the last one, the winner."""
    promoted = [e.trial for e in rung if e.verdict == "promoted" and not e.spared]
    return promoted or [each.trial for each in rung if each.rank == 1]
