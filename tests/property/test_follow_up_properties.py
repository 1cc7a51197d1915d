import random

from hypothesis import given
from hypothesis import strategies as st

from searchctl.orchestrator.halving.bracket import Signal
from searchctl.orchestrator.halving.closed import ClosedCohort
from searchctl.orchestrator.halving.cohorts import only_cohort
from searchctl.orchestrator.halving.follow_up import (
    FollowUpSettings,
    draw,
    follow_up_jobs,
)
from searchctl.orchestrator.halving.rule import Outcome, plan_ladder
from searchctl.orchestrator.halving.schedule import Schedule

SCORES = st.one_of(st.none(), st.sampled_from([0.25, 0.5]), st.floats(0, 1))
SEEDS = st.integers(0, 2**32)


@st.composite
def sweeps(draw):
    ladder = plan_ladder(draw(st.integers(1, 20)), 100, finalists=draw(st.integers(1, 3)))
    scores = draw(st.lists(SCORES, min_size=ladder.trials, max_size=ladder.trials))
    repeats, audit = draw(st.integers(1, 4)), draw(st.integers(0, 6))
    choose = draw(st.sampled_from(["best", "mean"][: 1 + (repeats > 1)]))
    settings = FollowUpSettings(repeats, audit, draw(SEEDS), choose)
    return ladder, scores, settings


def run(sweep, order, stored=()):
    """Run a sweep to its end, from the stored results on; return all results, and all decisions."""
    order = random.Random(order)
    ladder, scores, settings = sweep
    schedule, outcomes, decisions, running = (
        Schedule(only_cohort(ladder, "maximize"), settings),
        [],
        [],
        [],
    )

    def record(key, outcome):
        outcomes.append((key, outcome))
        decisions.extend(schedule.record(key, outcome))

    for result in stored:
        record(*result)
    while not schedule.finished:
        job = schedule.next_job()
        if job is not Signal.WAIT:
            running.append(job)
            continue
        job = running.pop(order.randrange(len(running)))
        if order.random() < 0.2:
            schedule.release(job.key)
        else:
            record(job.key, Outcome(job.trial, job.rung.number, scores[job.trial]))
    return outcomes, decisions


@given(sweeps(), SEEDS)
def test_follow_up_jobs_depend_on_decisions_and_not_on_the_order_of_arrival(sweep, order):
    ladder, _, settings = sweep
    outcomes, decisions = run(sweep, order)
    repeats = {(key.trial, key.repeat): o.score for key, o in outcomes if key.kind == "repeat"}
    last = ladder.rungs[-1]
    closed = [ClosedCohort(decisions[::-1], last.number, last.trials)]
    expected = follow_up_jobs(closed, settings, "maximize", repeats)
    after = [key for key, _ in outcomes if key.kind != "ladder"]
    assert sorted(after) == sorted(expected)
    assert len(set(after)) == len(after)


@given(sweeps(), SEEDS, st.data())
def test_a_schedule_that_is_resumed_anywhere_hands_out_the_missing_jobs_only(sweep, order, data):
    outcomes, decisions = run(sweep, order)
    stored = outcomes[: data.draw(st.integers(0, len(outcomes)))]
    again, decided = run(sweep, order, stored)
    assert dict(again) == dict(outcomes)
    assert len(again) == len(outcomes)
    assert decided == decisions


@given(sweeps(), SEEDS)
def test_follow_up_jobs_change_no_decision(sweep, order):
    ladder, scores, settings = sweep
    without = run((ladder, scores, FollowUpSettings(seed=settings.seed)), order)[1]
    assert run(sweep, order)[1] == without


@given(st.sets(st.integers(0, 99)), st.integers(0, 9), st.integers(0, 9), SEEDS)
def test_a_larger_sample_starts_with_the_smaller_one(trials, few, more, seed):
    drawn = draw(trials, few + more, seed)
    assert drawn[:few] == draw(trials, few, seed)
    assert len(set(drawn)) == len(drawn) == min(few + more, len(trials))
    assert set(drawn) <= trials
