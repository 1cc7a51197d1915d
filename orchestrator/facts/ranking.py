"""Ranks the configurations of a sweep from its stored decisions."""

from collections.abc import Iterable

from sqlalchemy import Engine

from searchctl.orchestrator.core.errors import SearchctlError
from searchctl.orchestrator.storage.reads.ranking import RankedTrial, ranked_trials
from searchctl.orchestrator.storage.rows import JobRow, SweepRow


def rank_trials(engine: Engine, sweep: SweepRow, top: int | None = None) -> list[RankedTrial]:
    """Return the configurations, the best first: by the most images, then by score.

    Raises:
        SearchctlError: no rung is closed yet, or no trial has a score.
    """
    ranked = ranked_trials(engine, sweep, top)
    if not ranked:
        raise SearchctlError(
            f"nothing is ranked in sweep '{sweep.name}': its first rung is not closed, or none of "
            f"its trials has a score (`searchctl status {sweep.name}`)"
        )
    return ranked


def first_scores(sweep: SweepRow, jobs: Iterable[JobRow]) -> list[float]:
    """Return the scores of the first rung, of all cohorts that start on as many images."""
    images = sweep.ladder[0]["images"]
    first = (job for job in jobs if job.rung == 0 and job.images == images)
    return [job.score for job in first if job.score is not None]
