"""The stages of a sweep: jobs that run in parallel, and what they cost in images."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle, islice

from searchctl.orchestrator.config.sweep import Sweep
from searchctl.orchestrator.config.validation import SweepValidation
from searchctl.orchestrator.halving.follow_up import follow_up_settings
from searchctl.orchestrator.halving.job_key import Kind
from searchctl.orchestrator.halving.rule import Ladder, Rung
from searchctl.orchestrator.planning.cost import Span, over_survivors


@dataclass(frozen=True)
class Stage:
    """Jobs that run in parallel: those of a rung, or follow-up jobs of one kind."""

    kind: Kind
    rung: Rung
    """Their rung; for follow-up jobs, the last one."""
    trials: int
    """Number of trials that have jobs in this stage."""
    jobs_per_trial: int = 1
    cohort: int | None = None
    """Number of the cohort of a rung; None if the sweep has only one, and for follow-up jobs."""
    of: range | None = None
    """Numbers of the trials that may have jobs in this stage; None for all."""

    @property
    def jobs(self) -> int:
        """Number of jobs."""
        return self.trials * self.jobs_per_trial

    def spread_over(self, trials: Sequence[Span]) -> tuple[Sequence[Span], int]:
        """Return the cost of each possible job, and the number of jobs that will run."""
        # trials that are not drawn yet are taken to be as those that are known
        mine = (trials[self.of.start : self.of.stop] if self.of else ()) or trials
        most = max(len(mine), self.trials)
        known = islice(cycle(mine), most)
        return [each for each in known for _ in range(self.jobs_per_trial)], self.jobs


@dataclass(frozen=True)
class StageCost:
    """Cost of one stage in images."""

    stage: Stage
    images: Span
    """Training images over all epochs of all of its jobs."""
    validation_images: Span | None
    """Validation images that its jobs score; None if the size of that split is unknown."""


def stages_of(sweep: Sweep, ladders: Sequence[Ladder]) -> Iterator[Stage]:
    """Yield the stages of a sweep: each rung of its ladders, then the follow-up jobs."""
    several, first = len(ladders) > 1, 0
    for cohort, ladder in enumerate(ladders):
        mine, first = range(first, first + ladder.trials), first + ladder.trials
        for rung in ladder.rungs:
            yield Stage("ladder", rung, rung.trials, 1, cohort if several else None, mine)
    follow_up, last = follow_up_settings(sweep.to_json()), ladders[-1].rungs[-1]
    if follow_up.repeats > 1:
        best = max(ladder.rungs[-1].trials for ladder in ladders)
        yield Stage("repeat", last, best, follow_up.repeats - 1)
    pruned = (ladder.trials - ladder.rungs[-1].trials for ladder in ladders)
    if audited := sum(min(follow_up.audit, each) for each in pruned):
        yield Stage("audit", last, audited + 1)  # the winner, too, with the same new seed


def stage_costs(
    stages: Iterable[Stage], epochs: list[int], validation: SweepValidation, val: int | None
) -> Iterator[StageCost]:
    """Yield the cost of each stage.

    Args:
        stages: the stages of a sweep.
        epochs: the epochs of each trial.
        validation: in which epochs the jobs score the validation set.
        val: size of the validation split; None if it is unknown.
    """
    trained = _exactly(epochs)
    for stage in stages:
        scored = validation.counts(epochs, last=stage.rung.fraction == 1)
        validated = _exactly(scored)
        yield StageCost(
            stage,
            over_survivors(*stage.spread_over(trained)) * stage.rung.images,
            None if val is None else over_survivors(*stage.spread_over(validated)) * val,
        )


def _exactly(counts: Sequence[int]) -> list[Span]:
    """Return certain numbers; equal ones are one object."""
    spans = {each: Span.exactly(each) for each in set(counts)}
    return [spans[each] for each in counts]
