"""The trials of a sweep by their place: the most images of a rank of theirs, then the score there.

Of as many images, those that exceed a limit (`halving.limits`) come after all others. Ranks are
those of one cohort, so trials of several cohorts are ordered by score. On the last rung,
`halving.choose` decides who is first. All views that name a winner read it here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import Engine, case, select

from searchctl.orchestrator.halving.follow_up import follow_up_settings
from searchctl.orchestrator.halving.winner import standings
from searchctl.orchestrator.storage import schema
from searchctl.orchestrator.storage.reads import queries
from searchctl.orchestrator.storage.reads.common import ON_LADDER, fetch, jobs_with, of_sweep
from searchctl.orchestrator.storage.rows import SweepRow
from searchctl.orchestrator.storage.scores import ranked_by, recorded, value_of
from searchctl.trainer.scores.catalog import ScoreName

_jobs, _trials, _decisions = schema.jobs, schema.trials, schema.decisions
_OF_JOB = [
    "rung",
    "images",
    "score",
    "kept_epoch",
    "evaluations",
    "trainable_parameters",
    "seconds",
    "weights",
    "batch",
]


@dataclass(frozen=True)
class RankedTrial:
    """One configuration with its place among all cohorts, and its job at its highest rung."""

    rank: int
    """Place in the whole sweep, counted from 1."""
    trial: int
    rung: int
    images: int
    score: float
    kept_epoch: int | None
    test_miou: float | None
    test_original_miou: float | None
    val_original_miou: float | None
    test_accuracy: float | None
    trainable_parameters: int | None
    seconds: float | None
    weights: str | None
    params: dict[str, Any]
    cohort: int = 0
    recorded: dict[ScoreName, float | None] = field(default_factory=dict)
    """The scores that rank nothing, on the validation set."""
    test_score: float | None = None
    """The score that ranks trials, on the test split."""
    test_original_score: float | None = None
    mean: float | None = None
    """Mean score over `seeds` seeds, where the winner is chosen by it (`choose: mean`); else None.
    Only the trials of the last rung have one."""
    seeds: int = 1
    unscored: int = 0
    """Number of seeds with which it diverged or failed, if `mean` is not None."""
    violation: str = ""
    """Which limits it exceeds, in words; empty if none."""
    batch: dict[str, int] | None = None
    """batch_size and accumulate in place of those of its settings, which ran out of memory."""

    @property
    def value(self) -> float:
        """The number that ranks it."""
        return self.score if self.mean is None else self.mean


def ranked_trials(engine: Engine, sweep: SweepRow, top: int | None = None) -> list[RankedTrial]:
    """Return the trials that have a rank, the best first; the `top` ones, if given."""
    by_mean = follow_up_settings(sweep.spec).choose == "mean"
    most = max(top, most_finalists(engine, sweep)) if top and by_mean else top
    above = _decisions.alias("above")
    climbed = (
        select(above.c.id)
        .where(above.c.trial_id == _decisions.c.trial_id, above.c.rung > _decisions.c.rung)
        .where(above.c.rank.is_not(None))
        .exists()
    )
    best_first = _jobs.c.score.desc() if sweep.direction == "maximize" else _jobs.c.score
    violates = case((_decisions.c.violation == "", 0), else_=1)
    query = (
        jobs_with(_trials.c.params, _trials.c.cohort, *(_jobs.c[name] for name in _OF_JOB))
        .add_columns(_decisions.c.violation)
        .join(
            _decisions,
            (_decisions.c.trial_id == _trials.c.id) & (_decisions.c.rung == _jobs.c.rung),
        )
        .where(_decisions.c.rank.is_not(None), ~climbed, ON_LADDER)
        .order_by(_jobs.c.images.desc(), violates, best_first, _trials.c.number)
        .limit(most)
    )
    rows = fetch(engine, of_sweep(query, sweep))
    ranking = ranked_by(sweep.spec) if "halving" in sweep.spec else "val_miou"
    others = recorded(sweep.spec)
    ranked = [_ranked(place, ranking, others, **row) for place, row in enumerate(rows, start=1)]
    return _by_mean(engine, sweep, ranked)[:top] if by_mean else ranked


def _by_mean(engine: Engine, sweep: SweepRow, ranked: list[RankedTrial]) -> list[RankedTrial]:
    """Put the finalists in the order of their standings."""
    last, count = sweep.ladder[-1]["images"], most_finalists(engine, sweep)
    finalists = {each.trial: each for each in ranked[:count] if each.images == last}
    order = standings(
        [(each.trial, each.score) for each in finalists.values()],
        _repeats(engine, sweep),
        seeds=follow_up_settings(sweep.spec).repeats,
        choose="mean",
        direction=sweep.direction,
        violating={number for number, each in finalists.items() if each.violation},
    )
    first = [
        replace(
            finalists[each.trial],
            rank=place,
            mean=each.mean,
            seeds=each.seeds,
            unscored=each.unscored,
        )
        for place, each in enumerate(order, start=1)
    ]
    return first + ranked[len(first) :]


def most_finalists(engine: Engine, sweep: SweepRow) -> int:
    """Return how many trials of all cohorts are repeated: as many as one cohort may have."""
    return max(int(cohort.ladder[-1]["trials"]) for cohort in queries.cohorts(engine, sweep))


def _repeats(engine: Engine, sweep: SweepRow) -> dict[tuple[int, int], float | None]:
    """Return the score of each repeat that has ended; None if it diverged or failed."""
    query = (
        jobs_with(_jobs.c.repeat, _jobs.c.score, _jobs.c.state)
        .where(_jobs.c.kind == "repeat", _jobs.c.state.not_in(("WAITING", "RUNNING")))
        .order_by(_jobs.c.repeat, _trials.c.number)
    )
    return {
        (row["trial"], row["repeat"]): row["score"] if row["state"] == "COMPLETE" else None
        for row in fetch(engine, of_sweep(query, sweep))
    }


def _ranked(
    place: int,
    ranking: ScoreName,
    others: Sequence[ScoreName],
    *,
    evaluations: Mapping[str, Mapping[str, Any]] | None,
    score: float,
    **row: Any,
) -> RankedTrial:
    def of(split: str, measure: str) -> float | None:
        value: float | None = (evaluations or {}).get(split, {}).get(measure)
        return value

    return RankedTrial(
        rank=place,
        score=score or 0.0,
        test_miou=of("test", "miou"),
        test_original_miou=of("test_original", "miou"),
        val_original_miou=of("val_original", "miou"),
        test_accuracy=of("test", "overall_accuracy"),
        recorded={name: value_of(evaluations, name) for name in others},
        test_score=value_of(evaluations, ranking, "test"),
        test_original_score=value_of(evaluations, ranking, "test_original"),
        **row,
    )
