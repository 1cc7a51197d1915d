"""How far the small samples of a sweep can be trusted, from its stored decisions."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Engine

from searchctl.orchestrator.analysis.certainty import Certainty, NotKnown, read_certainty
from searchctl.orchestrator.analysis.follow_up import FollowUp, read_follow_up
from searchctl.orchestrator.core.errors import SearchctlError
from searchctl.orchestrator.facts.scores import ranked_by
from searchctl.orchestrator.halving.rule import Decision, Direction
from searchctl.orchestrator.statistics.drift import (
    AllParams,
    Drift,
    Typical,
    drifts,
    searched,
    typical,
)
from searchctl.orchestrator.statistics.rank_agreement import Agreement, rank_agreement
from searchctl.orchestrator.storage.reads import queries
from searchctl.orchestrator.storage.reads.ranking import ranked_trials
from searchctl.orchestrator.storage.rows import SweepRow
from searchctl.trainer.scores.catalog import ScoreName


@dataclass(frozen=True)
class Step:
    """Two consecutive rungs compared."""

    lower: int
    upper: int
    lower_images: int
    upper_images: int
    agreement: Agreement


@dataclass(frozen=True)
class Preferred:
    """Typical value of one hyperparameter among the best trials of each rung."""

    name: str
    of_all: Typical | None
    """Typical value of all trials of the sweep."""
    kept: list[Typical | None]
    """Typical value of the trials that each rung kept; on the last rung, the winner's."""


@dataclass(frozen=True)
class Fidelity:
    """Comparison of the closed rungs of a sweep."""

    sweep: str
    score: ScoreName
    """The score that ranks the trials."""
    certainty: Certainty | NotKnown | None
    """How sure the winner is; None before the last rung is closed."""
    steps: list[Step]
    """Empty if the ladder has one rung: then every trial is trained on all of the data."""
    preferred: list[Preferred]
    drifts: list[Drift]
    ended: bool
    """Whether the last rung is closed, so that there is a winner."""
    appraised: FollowUp | None
    """Results of the follow-up jobs; None while none of them has ended."""


def read_fidelity(engine: Engine, row: SweepRow) -> Fidelity:
    """Compare the closed rungs of a sweep; a ladder of one rung has none to compare.

    Raises:
        SearchctlError: the ladder has several rungs, and fewer than two are closed.
    """
    decisions = queries.decisions(engine, row)
    closed = [
        [each for each in decisions if each.rung == rung and each.rank is not None]
        for rung in sorted({each.rung for each in decisions})
    ]
    if len(closed) < 2 <= len(row.ladder):
        raise SearchctlError(
            f"fewer than two rungs of sweep '{row.name}' are closed: wait until two can be "
            f"compared (`searchctl status {row.name}`)"
        )
    params = {trial.number: trial.params for trial in queries.trials(engine, row)}
    scores = [_scores(rung, row.direction) for rung in closed]
    images = [rung["images"] for rung in row.ladder]
    agreements = [
        rank_agreement(scores[upper - 1], scores[upper], _top(closed[upper]))
        for upper in range(1, len(closed))
    ]
    steps = [
        Step(lower, lower + 1, images[lower], images[lower + 1], agreement)
        for lower, agreement in enumerate(agreements)
    ]
    kept = [_best(rung) for rung in closed]
    if kept and len(closed) == len(row.ladder):
        kept[-1] = [each.trial for each in ranked_trials(engine, row, 1)]
    preferred = [_preferred(name, params, kept) for name in searched(params)]
    ended = len(closed) == len(row.ladder)
    follow_up = read_follow_up(engine, row)
    return Fidelity(
        row.name,
        ranked_by(row.spec),
        read_certainty(engine, row),
        steps,
        preferred,
        drifts(params, scores),
        ended,
        follow_up,
    )


def _scores(rung: Sequence[Decision], direction: Direction) -> dict[int, float]:
    """Return the scores of a rung, with the sign that makes higher better."""
    sign = 1 if direction == "maximize" else -1
    return {each.trial: sign * (each.score or 0.0) for each in rung}


def _top(rung: Sequence[Decision]) -> int:
    """Return how many trials a rung keeps; 1 (the winner) if it cuts none."""
    kept = rung[0].kept if rung else 0
    return kept if kept < len(rung) else 1


def _preferred(name: str, params: AllParams, kept: Sequence[list[int]]) -> Preferred:
    of_rungs = [typical(name, params, trials) for trials in kept]
    return Preferred(name, typical(name, params, list(params)), of_rungs)


def _best(rung: Sequence[Decision]) -> list[int]:
    """Return the trials that a rung promoted; on the last one, the winner."""
    promoted = [e.trial for e in rung if e.verdict == "promoted" and not e.spared]
    return promoted or [each.trial for each in rung if each.rank == 1]
