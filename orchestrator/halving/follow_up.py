"""Follow-up jobs after the ladder, pure. Their scores measure how reliable the result is.

Repeats train each finalist again with other seeds, which measures the variance over seeds; with
`choose: mean` they also decide which finalist wins (winner.py). The audit trains randomly drawn
pruned trials, and the winner, on all of the data with a seed that has selected none of them, which
shows whether a cut dropped a better one. No cut depends on either.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from searchctl.orchestrator.halving.job_key import JobKey, Kind
from searchctl.orchestrator.halving.rule import Decision, Direction
from searchctl.orchestrator.halving.winner import Choose, Repeats, standings


@dataclass(frozen=True)
class FollowUpSettings:
    """Follow-up jobs that a sweep requests."""

    repeats: int = 1
    """Number of seeds with which each finalist is trained, the sweep's own seed included."""
    audit: int = 0
    """Number of pruned trials that are trained on all of the data."""
    seed: int = 0
    """The sweep's seed."""
    choose: Choose = "best"
    new_seed: bool = True
    """Whether the audit has a seed of its own. In sweeps of older versions it has the sweep's, and
    the winner is not trained again."""

    @property
    def audit_number(self) -> int:
        """`JobKey.repeat` of the audit's jobs."""
        return int(self.new_seed)


NO_FOLLOW_UP = FollowUpSettings()


def follow_up_settings(spec: Mapping[str, Any]) -> FollowUpSettings:
    """Return the follow-up settings of a stored sweep."""
    halving = spec.get("halving", {})  # older versions stored none of the settings
    return FollowUpSettings(
        halving.get("repeats", 1),
        halving.get("audit", 0),
        spec.get("seed", 0),
        halving.get("choose", "best"),
        new_seed="choose" in halving or not halving,
    )


def final_winner(
    decisions: Iterable[Decision],
    repeats: Repeats,
    settings: FollowUpSettings,
    direction: Direction,
) -> int | None:
    """Return the winner of a ladder; None while repeats that choose it have not ended.

    Args:
        decisions: all decisions of the ladder, in any order.
        repeats: the repeats that have ended.
        settings: how the winner is chosen.
        direction: whether larger scores are better.
    """
    complete = sorted((d.rank or 0, d.trial, d.score or 0.0) for d in decisions if _ended(d))
    ranked = [(trial, score) for _, trial, score in complete]
    due = {(trial, n) for trial, _ in ranked for n in range(1, settings.repeats)}
    if not ranked or (settings.choose == "mean" and not due <= repeats.keys()):
        return None
    return standings(
        ranked, repeats, seeds=settings.repeats, choose=settings.choose, direction=direction
    )[0].trial


def _ended(decision: Decision) -> bool:
    return decision.verdict == "complete"


def follow_up_jobs(
    decisions: Iterable[Decision],
    last_rung: int,
    settings: FollowUpSettings,
    repeats: Repeats | None = None,
    direction: Direction = "maximize",
) -> tuple[JobKey, ...]:
    """Return the jobs that follow a ladder, in the order in which they are scheduled.

    The winner's own job of the audit comes last: repeats may have to choose the winner first.

    Args:
        decisions: all decisions of the ladder, in any order.
        last_rung: number of the rung on all of the data.
        settings: how many jobs of each kind.
        repeats: the repeats that have ended.
        direction: whether larger scores are better.
    """
    decided = list(decisions)
    ranked = sorted((d.rank or 0, d.trial) for d in decided if _ended(d))
    if not ranked:
        return ()
    pruned = {d.trial for d in decided if d.verdict == "pruned"}
    audited = draw(pruned, settings.audit, settings.seed)
    if audited and settings.new_seed:
        winner = final_winner(decided, repeats or {}, settings, direction)
        audited += [] if winner is None else [winner]
    return (
        # Seed by seed: a sweep that is stopped early still compares all finalists on equal terms.
        *(
            JobKey(trial, last_rung, "repeat", repeat)
            for repeat in range(1, settings.repeats)
            for _, trial in ranked
        ),
        *(JobKey(trial, last_rung, "audit", settings.audit_number) for trial in audited),
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

    The seed of a repeat or an audit depends on its number and not on the trial. So trials can be
    compared seed by seed.
    """
    return _derive_seed(seed, _NEW_SEED[key.kind], key.repeat) if key.repeat else seed


_NEW_SEED: dict[Kind, str] = {"repeat": "repeat", "audit": "seed of the audit"}


def _derive_seed(*parts: int | str) -> int:
    # Imported late: its package takes longer to import than the whole `status` command runs.
    from searchctl.trainer.core.seeds import derive_seed

    return derive_seed(*parts)
