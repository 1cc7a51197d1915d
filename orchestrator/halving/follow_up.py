"""Follow-up jobs after the ladder, pure. Their scores measure how reliable the result is.

Repeats train each finalist again with other seeds, which measures the variance over seeds; with
`choose: mean` they also decide which finalist wins (winner.py). The audit trains randomly drawn
pruned trials, and the winner, on all of the data with a seed that has selected none of them, which
shows whether a cut dropped a better one. No cut depends on either.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from searchctl.orchestrator.halving.closed import ClosedCohort
from searchctl.orchestrator.halving.job_key import JobKey, Kind
from searchctl.orchestrator.halving.rule import Direction
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

    def most_jobs(self, cohorts: int, finalists: int) -> int:
        """Return how many follow-up jobs so many cohorts with so many finalists have at most."""
        audits = self.audit * cohorts + int(self.audit > 0)
        return (self.repeats - 1) * finalists + audits


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
    cohorts: Collection[ClosedCohort],
    repeats: Repeats,
    settings: FollowUpSettings,
    direction: Direction,
) -> int | None:
    """Return the winner of all cohorts; None while repeats that choose it have not ended.

    Args:
        cohorts: the closed cohorts.
        repeats: the repeats that have ended.
        settings: how the winner is chosen.
        direction: whether larger scores are better.
    """
    best = _best(cohorts, direction)
    due = {(each.trial, n) for each in best for n in range(1, settings.repeats)}
    if not best or (settings.choose == "mean" and not due <= repeats.keys()):
        return None
    return standings(
        [(each.trial, each.score) for each in best],
        repeats,
        seeds=settings.repeats,
        choose=settings.choose,
        direction=direction,
        violating={each.trial for each in best if each.violates},
    )[0].trial


def follow_up_jobs(
    cohorts: Collection[ClosedCohort],
    settings: FollowUpSettings,
    direction: Direction,
    repeats: Repeats | None = None,
) -> tuple[JobKey, ...]:
    """Return the jobs that follow the ladders, in the order in which they are scheduled.

    The best of all cohorts so far are repeated after each request, since the best score of many is
    too good. The audit draws from each cohort. The winner's own job of the audit comes last:
    repeats may have to choose the winner first.

    Args:
        cohorts: the cohorts of those requests of which all cohorts are closed.
        settings: how many jobs of each kind.
        direction: whether larger scores are better.
        repeats: the repeats that have ended.
    """
    jobs: dict[JobKey, None] = {}  # an ordered set
    for request in sorted({cohort.request for cohort in cohorts}):
        so_far = [cohort for cohort in cohorts if cohort.request <= request]
        if best := _best(so_far, direction):
            new = [cohort for cohort in so_far if cohort.request == request]
            audits = [*_audits(new, settings)]
            if audits and settings.new_seed:
                winner = final_winner(so_far, repeats or {}, settings, direction)
                audits += [each.audit(settings) for each in best if each.trial == winner]
            jobs |= dict.fromkeys([*_repeats(best, settings), *audits])
    return tuple(jobs)


class _Finalist(NamedTuple):
    """A trial with a score on all of the data."""

    trial: int
    score: float
    last_rung: int
    violates: bool
    """Whether it exceeds a limit."""

    def audit(self, settings: FollowUpSettings) -> JobKey:
        return JobKey(self.trial, self.last_rung, "audit", settings.audit_number)


def _best(cohorts: Collection[ClosedCohort], direction: Direction) -> list[_Finalist]:
    """Return the best finalists of all cohorts: as many as one cohort may have.

    Those that exceed a limit come after all others.
    """
    sign = -1 if direction == "maximize" else 1
    finalists = (
        _Finalist(decision.trial, decision.score or 0.0, cohort.last_rung, bool(decision.violation))
        for cohort in cohorts
        for decision in cohort.decisions
        if decision.verdict == "complete"
    )
    ranked = sorted(finalists, key=lambda each: (each.violates, sign * each.score, each.trial))
    return ranked[: max((cohort.finalists for cohort in cohorts), default=0)]


def _repeats(best: Sequence[_Finalist], settings: FollowUpSettings) -> Iterator[JobKey]:
    # Seed by seed: a sweep that is stopped early still compares all finalists on equal terms.
    for repeat in range(1, settings.repeats):
        for each in best:
            yield JobKey(each.trial, each.last_rung, "repeat", repeat)


def _audits(cohorts: Iterable[ClosedCohort], settings: FollowUpSettings) -> Iterator[JobKey]:
    for cohort in cohorts:
        # what exceeds a limit was not cut for its score
        pruned = {d.trial for d in cohort.decisions if d.verdict == "pruned" and not d.violation}
        for trial in draw(pruned, settings.audit, settings.seed):
            yield JobKey(trial, cohort.last_rung, "audit", settings.audit_number)


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
