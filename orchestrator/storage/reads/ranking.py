"""The trials of a sweep by their place: the highest rung where they have a rank, then the rank."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Engine, select

from searchctl.orchestrator.facts.scores import ranked_by, recorded, value_of
from searchctl.orchestrator.storage import schema
from searchctl.orchestrator.storage.reads.common import ON_LADDER, fetch, jobs_with, of_sweep
from searchctl.orchestrator.storage.rows import SweepRow
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
]


@dataclass(frozen=True)
class RankedTrial:
    """One configuration with its place in the sweep, and its job at its highest rung."""

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
    recorded: dict[ScoreName, float | None] = field(default_factory=dict)
    """The scores that rank nothing, on the validation set."""
    test_score: float | None = None
    """The score that ranks trials, on the test split."""
    test_original_score: float | None = None


def ranked_trials(engine: Engine, sweep: SweepRow, top: int | None = None) -> list[RankedTrial]:
    """Return the trials that have a rank, the best first; the `top` ones, if given."""
    above = _decisions.alias("above")
    climbed = (
        select(above.c.id)
        .where(above.c.trial_id == _decisions.c.trial_id, above.c.rung > _decisions.c.rung)
        .where(above.c.rank.is_not(None))
        .exists()
    )
    query = (
        jobs_with(_trials.c.params, *(_jobs.c[name] for name in _OF_JOB))
        .join(
            _decisions,
            (_decisions.c.trial_id == _trials.c.id) & (_decisions.c.rung == _jobs.c.rung),
        )
        .where(_decisions.c.rank.is_not(None), ~climbed, ON_LADDER)
        .order_by(_decisions.c.rung.desc(), _decisions.c.rank)
        .limit(top)
    )
    rows = fetch(engine, of_sweep(query, sweep))
    ranking = ranked_by(sweep.spec) if "halving" in sweep.spec else "val_miou"
    others = recorded(sweep.spec)
    return [_ranked(place, ranking, others, **row) for place, row in enumerate(rows, start=1)]


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
