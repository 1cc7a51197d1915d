"""Several cohorts, with workers that end their jobs in any order."""

import random
from collections import Counter
from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from searchctl.orchestrator.halving.bracket import BracketJob, Signal
from searchctl.orchestrator.halving.cohorts import (
    Cohorts,
    DrawCohort,
    DrawnCohort,
    PlannedCohort,
    sources_of,
)
from searchctl.orchestrator.halving.follow_up import FollowUpSettings
from searchctl.orchestrator.halving.rule import Outcome, plan_ladder
from searchctl.orchestrator.halving.schedule import Schedule

SEEDS = st.integers(0, 2**32)


@dataclass
class Run:
    """A sweep whose draws depend on the scores of their sources."""

    planned: list
    seed: int
    order: random.Random
    closed_at_start: tuple = ()
    drawn: dict = field(default_factory=dict)
    params: dict = field(default_factory=dict)
    outcomes: list = field(default_factory=list)
    decisions: dict = field(default_factory=dict)
    open: list = field(default_factory=list)

    def __post_init__(self):
        settings = FollowUpSettings(repeats=2, audit=1)
        self.schedule = Schedule(Cohorts(self.planned, "maximize"), settings)

    def draw(self, number):
        """Draw from what the sources have scored, in whatever order that was stored."""
        cohort = self.planned[number]
        sources = sources_of(number, cohort.lag, self.closed_at_start)
        known = sorted(
            d for d in self.decisions if d[0] in {t for s in sources for t in self.drawn[s]}
        )
        first = len(self.params)
        trials = range(first, first + cohort.ladder.trials)
        self.drawn[number] = trials
        for trial in trials:
            self.params[trial] = random.Random(f"{self.seed}/{known}/{trial}").random()
        self.schedule.cohorts.open(number, DrawnCohort(trials))

    def score(self, trial):
        return None if self.params[trial] < 0.1 else round(self.params[trial], 1)

    def record(self, key, outcome):
        self.outcomes.append((key, outcome))
        for each in self.schedule.record(key, outcome):
            self.decisions[each.trial, each.rung] = each

    def to_the_end(self, workers):
        running = []
        while not self.schedule.finished:
            self.open.append(sum(not b.finished for b in self.schedule.cohorts.brackets))
            job = self.schedule.next_job() if len(running) < workers else Signal.WAIT
            if isinstance(job, DrawCohort):
                self.draw(job.number)
            elif isinstance(job, BracketJob):
                running.append(job)
            else:
                job = running.pop(self.order.randrange(len(running)))
                score = self.score(job.trial)
                self.record(job.key, Outcome(job.trial, job.rung.number, score))
        return self


@st.composite
def plans(draw):
    lag = draw(st.integers(1, 2))
    sizes = draw(st.lists(st.integers(1, 9), min_size=1, max_size=5))
    return [PlannedCohort(n, plan_ladder(size, 64), lag) for n, size in enumerate(sizes)]


@given(plans(), SEEDS, SEEDS, SEEDS, st.integers(1, 8), st.integers(1, 8))
def test_any_order_of_results_gives_the_same_cohorts_draws_and_decisions(
    planned, seed, one, other, few, many
):
    first = Run(planned, seed, random.Random(one)).to_the_end(few)
    second = Run(planned, seed, random.Random(other)).to_the_end(many)
    assert (first.drawn, first.params) == (second.drawn, second.params)
    assert first.decisions == second.decisions
    assert sorted(first.outcomes) == sorted(second.outcomes)
    assert max(first.open + second.open) <= planned[0].lag


@given(plans(), SEEDS, SEEDS, st.integers(1, 8), st.data())
def test_a_sweep_of_cohorts_that_is_resumed_anywhere_ends_the_same(
    planned, seed, order, workers, data
):
    whole = Run(planned, seed, random.Random(order)).to_the_end(workers)
    stored = whole.outcomes[: data.draw(st.integers(0, len(whole.outcomes)))]
    newest = max((key.trial for key, _ in stored), default=-1)
    again = Run(planned, seed, random.Random(order))
    for number, trials in whole.drawn.items():
        if trials[0] <= newest:  # a cohort without results may not have been drawn
            again.params |= {trial: whole.params[trial] for trial in trials}
            again.drawn[number] = trials
            again.schedule.cohorts.open(number, DrawnCohort(trials))
    # as they are read: the ladder first, by rung, then the follow-up jobs
    for key, outcome in sorted(stored, key=lambda each: (each[0].kind != "ladder", each[0].rung)):
        again.record(key, outcome)
    again.to_the_end(workers)
    assert (again.decisions, again.params) == (whole.decisions, whole.params)
    assert Counter(k for k, _ in again.outcomes) == Counter(k for k, _ in whole.outcomes)


@given(plans(), plans(), SEEDS, SEEDS, st.integers(1, 8))
def test_an_extension_changes_no_decision_of_the_cohorts_before_it(
    planned, more, seed, order, workers
):
    before = Run(planned, seed, random.Random(order)).to_the_end(workers)
    if before.schedule.cohorts.failure:
        return
    later = [
        PlannedCohort(len(planned) + n, each.ladder, each.lag, request=1)
        for n, each in enumerate(more)
    ]
    after = Run([*planned, *later], seed, random.Random(order), tuple(range(len(planned))))
    for number, trials in before.drawn.items():
        after.params |= {trial: before.params[trial] for trial in trials}
        after.drawn[number] = trials
        after.schedule.cohorts.open(number, DrawnCohort(trials))
    for key, outcome in before.outcomes:
        after.record(key, outcome)
    assert after.decisions == before.decisions
    after.to_the_end(workers)
    assert before.decisions.items() <= after.decisions.items()
    assert {*after.drawn} == {*range(len(planned) + len(more))}
    repeated = {key.trial for key, _ in after.outcomes if key.kind == "repeat"}
    finals = [d for d in after.decisions.values() if d.verdict == "complete"]
    best = sorted(finals, key=lambda d: (-d.score, d.trial))[0]
    assert best.trial in repeated


class _Counted(Run):
    """A run in which no trial fails, that notes how many jobs run, and how many were upcoming."""

    def score(self, trial):
        return self.params[trial]

    def record(self, key, outcome):
        running = sum(len(bracket.running) for bracket in self.schedule.cohorts.brackets)
        self.counts = [*getattr(self, "counts", []), (running, self.schedule.upcoming)]
        super().record(key, outcome)


@given(plans(), SEEDS, SEEDS)
def test_a_result_lets_no_more_jobs_start_than_were_upcoming(planned, seed, order):
    counts = _Counted(planned, seed, random.Random(order)).to_the_end(workers=10_000).counts
    upcoming = [before for _, before in counts]
    running = [now for now, _ in counts]
    assert all(now <= before for now, before in zip(running[1:], upcoming[:-1], strict=True))
    assert all(now <= upcoming for now, upcoming in counts)
