"""The follow-up, pure: which jobs follow the ladder, by whose scores its answer can be judged.

Repeats train each finalist again with other seeds: how much of a score is chance? The audit trains
pruned trials that are drawn at random on all of the data, as if they had been promoted: did a cut
drop a better one? No decision comes of either.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from searchctl.orchestrator.halving.job_key import JobKey
from searchctl.orchestrator.halving.rule import Decision


@dataclass(frozen=True)
class FollowUpSettings:
    """How much of an follow-up a sweep asks for."""

    repeats: int = 1
    """Seeds that each finalist is trained with, the sweep's own among them."""
    audit: int = 0
    """Pruned trials that are trained on all of the data."""
    seed: int = 0
    """The sweep's seed."""


NOTHING_ASKED = FollowUpSettings()


def follow_up_settings(spec: Mapping[str, Any]) -> FollowUpSettings:
    """Return what a stored sweep asks for; nothing, of a sweep of an older searchctl."""
    halving = spec.get("halving", {})
    return FollowUpSettings(halving.get("repeats", 1), halving.get("audit", 0), spec.get("seed", 0))


def follow_up_jobs(
    decisions: Iterable[Decision], last_rung: int, asked: FollowUpSettings
) -> tuple[JobKey, ...]:
    """Return the jobs that follow a ladder, in the order in which they are handed out.

    The repeats come seed by seed, so that what was stopped early compares all finalists.

    Args:
        decisions: all decisions of the ladder, in any order.
        last_rung: number of the rung on all of the data.
        asked: how many.
    """
    verdicts = list(decisions)
    ranked = sorted((d.rank or 0, d.trial) for d in verdicts if d.verdict == "complete")
    if not ranked:
        return ()
    pruned = {d.trial for d in verdicts if d.verdict == "pruned"}
    return (
        *(
            JobKey(trial, last_rung, "repeat", repeat)
            for repeat in range(1, asked.repeats)
            for _, trial in ranked
        ),
        *(JobKey(trial, last_rung, "audit") for trial in draw(pruned, asked.audit, asked.seed)),
    )


def draw(trials: Collection[int], count: int, seed: int) -> list[int]:
    """Draw so many of the trials, or all if they are fewer, each equally likely.

    A larger draw begins with the smaller one of the same seed.
    """
    left = sorted(trials)
    places = range(min(count, len(left)))
    return [left.pop(_derive_seed(seed, "audit", place) % len(left)) for place in places]


def training_seed(key: JobKey, seed: int) -> int:
    """Return the seed of a job's weights, order and augmentation.

    That of a repeat depends on which repeat it is, not on the trial: finalists can be compared
    seed by seed.
    """
    return _derive_seed(seed, "repeat", key.repeat) if key.kind == "repeat" else seed


def _derive_seed(*parts: int | str) -> int:
    from searchctl.trainer.core.seeds import (
        derive_seed,  # its package takes longer to import than `status` runs
    )

    return derive_seed(*parts)
