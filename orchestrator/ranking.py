"""Ranks the configurations of a sweep from its stored decisions: the answer, and who came near."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine

from orchestrator.errors import SearchctlError
from orchestrator.halving import Decision
from orchestrator.storage import queries
from orchestrator.storage.rows import JobRow, SweepRow


@dataclass(frozen=True)
class Ranked:
    """One configuration with its place in the sweep."""

    rank: int
    trial: int
    rung: int
    images: int
    score: float
    kept_epoch: int | None
    test_miou: float | None
    test_original_miou: float | None
    test_accuracy: float | None
    trainable_parameters: int | None
    seconds: float | None
    weights: str | None
    params: dict[str, Any]


def rank_trials(engine: Engine, sweep: SweepRow, top: int | None = None) -> list[Ranked]:
    """Return the best configurations first: by the highest rung they reached, then by rank there.

    Raises:
        SearchctlError: no rung is closed yet, or no trial has a score: nothing to compare.
    """
    highest: dict[int, Decision] = {}
    for decision in queries.decisions(engine, sweep):
        if decision.rank is not None:
            highest[decision.trial] = decision
    if not highest:
        raise SearchctlError(
            f"nothing is ranked in sweep '{sweep.name}': its first rung is not closed, or none of "
            f"its trials has a score (`searchctl status {sweep.name}`)"
        )
    order = sorted(highest.values(), key=lambda d: (-d.rung, d.rank or 0))[:top]
    jobs = {(job.trial, job.rung): job for job in queries.jobs(engine, sweep)}
    params = {trial.number: trial.params for trial in queries.trials(engine, sweep)}
    return [
        _ranked(place, jobs[d.trial, d.rung], params[d.trial])
        for place, d in enumerate(order, start=1)
    ]


def _ranked(place: int, job: JobRow, params: dict[str, Any]) -> Ranked:
    evaluations = job.evaluations or {}
    return Ranked(
        rank=place,
        trial=job.trial,
        rung=job.rung,
        images=job.images,
        score=job.score or 0.0,
        kept_epoch=job.kept_epoch,
        test_miou=evaluations.get("test", {}).get("miou"),
        test_original_miou=evaluations.get("test_original", {}).get("miou"),
        test_accuracy=evaluations.get("test", {}).get("overall_accuracy"),
        trainable_parameters=job.trainable_parameters,
        seconds=job.seconds,
        weights=job.weights,
        params=params,
    )
