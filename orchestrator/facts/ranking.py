"""Ranks the configurations of a sweep from its stored decisions."""

from sqlalchemy import Engine

from searchctl.orchestrator.core.errors import SearchctlError
from searchctl.orchestrator.storage.reads.ranking import RankedTrial, ranked_trials
from searchctl.orchestrator.storage.rows import SweepRow


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
