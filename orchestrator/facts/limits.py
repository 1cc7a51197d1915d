"""Sentences on trials that exceed a limit of their sweep (`halving.limits`)."""

from collections.abc import Sequence

from searchctl.orchestrator.storage.reads.ranking import RankedTrial


def exceeding(trial: int, violation: str) -> str:
    """Return a sentence on a trial that exceeds a limit; empty for one that does not.

    >>> exceeding(3, "latency 31 ms > 20 ms")
    'Trial 3 exceeds halving.limits: latency 31 ms > 20 ms.'
    """
    return f"Trial {trial} exceeds halving.limits: {violation}." if violation else ""


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
