"""Sentences on trials that exceed a limit of their sweep (`halving.limits`)."""

from collections.abc import Iterable, Sequence

from sqlalchemy import Engine

from searchctl.orchestrator.halving.limits import limits_of
from searchctl.orchestrator.storage.reads.ranking import RankedTrial, ranked_trials
from searchctl.orchestrator.storage.rows import SweepRow


def exceeding(trial: int, violation: str) -> str:
    """Return a sentence on a trial that exceeds a limit; empty for one that does not.

    >>> exceeding(3, "latency 31 ms > 20 ms")
    'Trial 3 exceeds halving.limits: latency 31 ms > 20 ms.'
    """
    return f"Trial {trial} exceeds halving.limits: {violation}." if violation else ""


def exceeding_all(violations: Iterable[tuple[int, str]]) -> str:
    """Return one sentence on all trials that exceed a limit; empty if none does.

    >>> exceeding_all([(3, "latency 31 ms > 20 ms"), (4, ""), (1, "memory 9 GB > 8 GB")])
    'Ranked below those within halving.limits: 3 (latency 31 ms > 20 ms), 1 (memory 9 GB > 8 GB).'
    """
    found = [f"{trial} ({violation})" for trial, violation in violations if violation]
    return f"Ranked below those within halving.limits: {', '.join(found)}." if found else ""


def exceeding_winner(ranked: Sequence[RankedTrial]) -> str:
    """Return a sentence for a winner that exceeds a limit; empty if it does not.

    Then all trials on as many images do, since they would be ranked above it otherwise.
    """
    best = ranked[0]
    if not best.violation:
        return ""
    return (
        f"{exceeding(best.trial, best.violation)} So does every trial that was trained on as many "
        "images: none within the limits is left."
    )


def exceeding_best(engine: Engine, row: SweepRow) -> str:
    """Return the same of a stored sweep's best trial so far; empty for a sweep without limits."""
    ranked = ranked_trials(engine, row, 1) if limits_of(row.spec) else []
    return exceeding_winner(ranked) if ranked else ""
