"""All trials of a sweep as rows: the ranked ones first, the best on top, then by number."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine

from searchctl.orchestrator.analysis.judged import judged_by
from searchctl.orchestrator.draws.points import Origin
from searchctl.orchestrator.halving.limits import Quantity
from searchctl.orchestrator.storage.reads import queries
from searchctl.orchestrator.storage.reads.ranking import RankedTrial, ranked_trials
from searchctl.orchestrator.storage.reads.tables import TableJob, table_jobs
from searchctl.orchestrator.storage.rows import SweepRow, TrialRow, TrialState
from searchctl.orchestrator.storage.scores import (
    epoch_score,
    ranked_by,
    recorded,
    shown_score,
    value_of,
)
from searchctl.trainer.scores.catalog import ScoreName


@dataclass(frozen=True)
class TableTrial:
    """One trial, with its job at its highest rung that has a score."""

    rank: int | None
    """Its place among all trials; None while it has none, or for a trial without a score."""
    trial: int
    cohort: int
    origin: Origin
    """How its params were found: grid, random, known or model."""
    state: TrialState
    rung: int | None
    """The highest rung at which it has a score."""
    images: int | None
    """Training images of that rung."""
    score: float | None
    mean: float | None
    """Mean score over seeds, where the winner is chosen by it."""
    scores: dict[str, float | None]
    """Other scores of that job: `val_loss`, and for finalists `test_miou`, `val_original_miou`."""
    kept_epoch: int | None
    seconds: float | None
    """Time of all its jobs on the ladder."""
    gpu_seconds: float | None
    trainable_parameters: int | None
    latency_ms: float | None
    """As its last job measured it, roughly; `measured` has the value of the limit."""
    violation: str | None
    """Which limits it exceeds, in words; None if it exceeds none, or is not ranked."""
    device: str | None
    params: dict[str, Any]
    rungs: list[dict[str, Any]]
    """Its jobs by rung: rung, images, state, score, seconds."""
    measured: dict[Quantity, float]
    """What `halving.limits` judge it by: `latency_ms`, `memory_gb`."""


def trial_table(engine: Engine, sweep: SweepRow) -> list[TableTrial]:
    """Return all trials of a sweep; few queries, whatever their number."""
    jobs: dict[int, list[TableJob]] = {}
    for job in table_jobs(engine, sweep):
        jobs.setdefault(job.trial, []).append(job)
    ranked = {each.trial: each for each in ranked_trials(engine, sweep)}
    names = _names(sweep)
    trials = queries.trials(engine, sweep)
    hardware = {n: job.hardware for n, of in jobs.items() for job in of if job.hardware}
    measured = judged_by(engine, sweep, trials, hardware)
    rows = [
        _row(trial, jobs.get(trial.number, []), ranked.get(trial.number), names, measured)
        for trial in trials
    ]
    return sorted(rows, key=lambda row: (row.rank is None, row.rank or 0, row.trial))


def _names(sweep: SweepRow) -> list[ScoreName]:
    """Return the scores of a sweep, the one that ranks trials first."""
    ranking, shown = ranked_by(sweep.spec), shown_score(sweep.spec)
    return [*dict.fromkeys([ranking, *recorded(sweep.spec), epoch_score(shown)[0], "val_loss"])]


def _row(
    trial: TrialRow,
    jobs: Sequence[TableJob],
    ranked: RankedTrial | None,
    names: Sequence[ScoreName],
    measured: Mapping[int, dict[Quantity, float]],
) -> TableTrial:
    scored = [job for job in jobs if job.score is not None]
    last = scored[-1] if scored else None
    newest = last or (jobs[-1] if jobs else None)
    return TableTrial(
        rank=ranked.rank if ranked else None,
        trial=trial.number,
        cohort=trial.cohort,
        origin=trial.origin,
        state=trial.state,
        rung=last.rung if last else None,
        images=last.images if last else None,
        score=last.score if last else None,
        mean=ranked.mean if ranked else None,
        scores=_scores(last.evaluations or {}, names) if last else {},
        kept_epoch=last.kept_epoch if last else None,
        seconds=_total(job.seconds for job in jobs),
        gpu_seconds=_total(job.gpu_seconds for job in jobs),
        trainable_parameters=newest.trainable_parameters if newest else None,
        latency_ms=newest.latency_ms if newest else None,
        violation=(ranked.violation or None) if ranked else None,
        device=newest.device if newest else None,
        params=trial.params,
        rungs=[_rung(job) for job in jobs],
        measured=measured.get(trial.number, {}),
    )


def _rung(job: TableJob) -> dict[str, Any]:
    names = ("rung", "images", "state", "score", "seconds")
    return {name: getattr(job, name) for name in names}


def _total(parts: Iterable[float | None]) -> float | None:
    known = [each for each in parts if each is not None]
    return sum(known) if known else None


def _scores(
    evaluations: Mapping[str, Mapping[str, Any]], names: Sequence[ScoreName]
) -> dict[str, float | None]:
    """Return the scores of a job by split, except the first one on the validation set.

    >>> _scores({"val": {"miou": 0.5, "loss": 1.0}, "test": {"miou": 0.4, "loss": 2.0}},
    ...         ["val_miou", "val_loss"])
    {'val_loss': 1.0, 'test_miou': 0.4, 'test_loss': 2.0}
    """
    found = {
        name if split == "val" else f"{split}_{name.removeprefix('val_')}": value_of(
            evaluations, name, split
        )
        for split in evaluations
        for name in names
    }
    return {name: value for name, value in found.items() if name != names[0]}
