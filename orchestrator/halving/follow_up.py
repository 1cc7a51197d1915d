"""Follow-up jobs after the ladder, pure. Their scores measure how reliable the result is.

Repeats train each finalist again with other seeds, which measures the variance over seeds. The
audit trains randomly drawn pruned trials on all of the data, which shows whether a cut dropped a
better one. Neither changes a decision.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from searchctl.orchestrator.halving.job_key import JobKey
from searchctl.orchestrator.halving.rule import Decision


@dataclass(frozen=True)
class FollowUpSettings:
    """Follow-up jobs that a sweep requests."""

    repeats: int = 1
    """Number of seeds with which each finalist is trained, the sweep's own seed included."""
    audit: int = 0
    """Number of pruned trials that are trained on all of the data."""
    seed: int = 0
    """The sweep's seed."""


NO_FOLLOW_UP = FollowUpSettings()


def follow_up_settings(spec: Mapping[str, Any]) -> FollowUpSettings:
    """Return the follow-up settings of a stored sweep."""
    halving = spec.get("halving", {})  # older versions stored neither setting
    return FollowUpSettings(halving.get("repeats", 1), halving.get("audit", 0), spec.get("seed", 0))


def follow_up_jobs(
    decisions: Iterable[Decision], last_rung: int, settings: FollowUpSettings
) -> tuple[JobKey, ...]:
    """Return the jobs that follow a ladder, in the order in which they are scheduled.

    Args:
        decisions: all decisions of the ladder, in any order.
        last_rung: number of the rung on all of the data.
        settings: how many jobs of each kind.
    """
    decided = list(decisions)
    ranked = sorted((d.rank or 0, d.trial) for d in decided if d.verdict == "complete")
    if not ranked:
        return ()
    pruned = {d.trial for d in decided if d.verdict == "pruned"}
    audited = draw(pruned, settings.audit, settings.seed)
    return (
        # Seed by seed: a sweep that is stopped early still compares all finalists on equal terms.
        *(
            JobKey(trial, last_rung, "repeat", repeat)
            for repeat in range(1, settings.repeats)
            for _, trial in ranked
        ),
        *(JobKey(trial, last_rung, "audit") for trial in audited),
    )


def draw(trials: Collection[int], count: int, seed: int) -> list[int]:
    """Draw `count` trials without replacement, or all of them if there are fewer.

    With the same seed, a larger draw starts with the trials of the smaller one.
    """
    remaining = sorted(trials)
    draws = range(min(count, len(remaining)))
    return [remaining.pop(_derive_seed(seed, "audit", i) % len(remaining)) for i in draws]


def training_seed(key: JobKey, seed: int) -> int:
    """Return the seed of a job's weight initialization, data order and augmentation.

    The seed of a repeat depends on the repeat's number and not on the trial. So finalists can be
    compared seed by seed.
    """
    return _derive_seed(seed, "repeat", key.repeat) if key.kind == "repeat" else seed


def _derive_seed(*parts: int | str) -> int:
    # Imported late: its package takes longer to import than the whole `status` command runs.
    from searchctl.trainer.core.seeds import derive_seed

    return derive_seed(*parts)
