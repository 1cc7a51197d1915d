import math
import random

from hypothesis import given, settings
from hypothesis import strategies as st

from searchctl.orchestrator.halving.bracket import Bracket, BracketJob, Signal
from searchctl.orchestrator.halving.rule import Outcome, plan_ladder, rung_counts

SCORES = st.one_of(
    st.none(),
    st.floats(allow_nan=True, allow_infinity=True, width=16),
    st.sampled_from([0.0, 0.25, 0.5]),  # ties
)


@st.composite
def sweeps(draw):
    plan = plan_ladder(
        draw(st.integers(1, 60)),
        draw(st.integers(1, 3000)),
        eta=draw(st.integers(2, 5)),
        finalists=draw(st.integers(1, 5)),
        keep=draw(st.sampled_from(["floor", "ceil"])),
        min_images=draw(st.integers(1, 64)),
    )
    failed = draw(st.sets(st.integers(0, 59), max_size=5))
    table = draw(st.lists(SCORES, min_size=plan.trials, max_size=plan.trials))
    return plan, table, failed, draw(st.sampled_from(["maximize", "minimize"]))


def outcome(table, failed, job, slow=()):
    """A trial's score drifts from rung to rung, so that ranks change."""
    score = table[job.trial]
    if score is not None:
        score += 0.1 * ((job.trial * 7 + job.rung.number * 3) % 5)
    exceeds = "latency 31 ms > 20 ms" * (job.trial in slow)
    return Outcome(job.trial, job.rung.number, score, job.trial in failed, violation=exceeds)


def climb(plan, table, failed, direction, seed=0, protected=(), slow=()):
    """Run a whole sweep, results arriving in any order; return its outcomes and decisions."""
    order = random.Random(seed)
    bracket, running = Bracket(plan, direction, protected), []
    outcomes, decisions = [], []
    while (job := bracket.next_job()) is not Signal.DONE:
        if isinstance(job, BracketJob):
            running.append(job)
            continue
        arrived = running.pop(order.randrange(len(running)))
        outcomes.append(outcome(table, failed, arrived, slow))
        decisions += bracket.record(outcomes[-1])
    return bracket, outcomes, decisions


@given(sweeps())
def test_no_trial_without_a_finite_score_is_ever_promoted(sweep):
    plan, table, failed, direction = sweep
    _, _, decisions = climb(plan, table, failed, direction)
    for decision in decisions:
        if decision.verdict in ("promoted", "complete", "pruned"):
            assert decision.score is not None
            assert math.isfinite(decision.score)
            assert decision.trial not in failed


@given(sweeps(), st.integers(0, 1000))
def test_decisions_do_not_depend_on_the_order_of_arrival(sweep, seed):
    _, _, expected = climb(*sweep)
    _, _, shuffled = climb(*sweep, seed=seed)
    assert shuffled == expected


@given(sweeps())
def test_every_trial_is_accounted_for(sweep):
    plan = sweep[0]
    _, _, decisions = climb(*sweep)
    ends = [d.trial for d in decisions if d.verdict != "promoted"]
    assert sorted(ends) == list(range(plan.trials))


@given(sweeps())
def test_replay_of_the_stored_outcomes_equals_the_live_run(sweep):
    plan, *_, direction = sweep
    live, outcomes, decisions = climb(*sweep)
    again = Bracket(plan, direction)
    replayed = [decision for stored in outcomes for decision in again.record(stored)]
    assert replayed == decisions
    assert (again.finished, again.failure) == (live.finished, live.failure)


@given(sweeps())
def test_the_worst_survivor_is_never_behind_the_best_of_the_pruned(sweep):
    direction = sweep[3]
    _, _, decisions = climb(*sweep)
    for rung in {d.rung for d in decisions}:
        kept = [d.score for d in decisions if d.rung == rung and d.verdict == "promoted"]
        pruned = [d.score for d in decisions if d.rung == rung and d.verdict == "pruned"]
        if kept and pruned and direction == "maximize":
            assert min(kept) >= max(pruned)
        if kept and pruned and direction == "minimize":
            assert max(kept) <= min(pruned)


@settings(max_examples=300)
@given(
    st.integers(1, 5000),
    st.integers(1, 5000),
    st.integers(2, 10),
    st.integers(1, 9),
    st.sampled_from(["floor", "ceil"]),
    st.integers(1, 64),
)
def test_the_last_rung_is_exactly_the_whole_data_set(trials, images, eta, finalists, keep, batch):
    plan = plan_ladder(trials, images, eta=eta, finalists=finalists, keep=keep, min_images=batch)
    assert (plan.rungs[-1].fraction, plan.rungs[-1].images) == (1, images)
    assert all(a.images < b.images for a, b in zip(plan.rungs, plan.rungs[1:], strict=False))
    assert all(a.trials > b.trials for a, b in zip(plan.rungs, plan.rungs[1:], strict=False))
    assert plan.rungs[0].trials == trials
    assert all(r.images >= min(batch, images) for r in plan.rungs)


@given(st.integers(2, 6), st.integers(0, 8))
def test_powers_of_eta_lose_no_rung_to_a_float_logarithm(eta, power):
    counts = rung_counts(eta**power, eta=eta, finalists=1)
    assert counts == tuple(eta**k for k in reversed(range(power + 1)))


@given(sweeps(), st.sets(st.integers(0, 59), max_size=4), st.integers(0, 1000))
def test_a_protected_trial_climbs_as_long_as_its_score_is_finite(sweep, protected, seed):
    plan, table, failed, direction = sweep
    safe = {trial for trial in protected if trial < plan.trials}
    beside = plan_ladder(plan.trials, plan.rungs[-1].images, protected=len(safe))
    _, _, decisions = climb(beside, table, failed, direction, seed, safe)
    _, _, again = climb(beside, table, failed, direction, seed + 1, safe)
    assert decisions == again
    ends = [d for d in decisions if d.verdict != "promoted"]
    assert sorted(d.trial for d in ends) == list(range(plan.trials))
    assert not [d for d in ends if d.trial in safe and d.verdict == "pruned"]
    assert all(d.trial in safe for d in decisions if d.spared)


@given(sweeps(), st.sets(st.integers(0, 59), max_size=40), st.integers(0, 1000))
def test_what_exceeds_a_limit_takes_no_place_of_another_in_any_order_of_arrival(sweep, slow, seed):
    _, _, decisions = climb(*sweep, seed=seed, slow=slow)
    _, _, again = climb(*sweep, seed=seed + 1, slow=slow)
    assert decisions == again
    for rung in {d.rung for d in decisions}:
        ranked = [d for d in decisions if d.rung == rung and d.rank is not None]
        within = [not d.violation for d in sorted(ranked, key=lambda d: d.rank)]
        assert within == sorted(within, reverse=True)
        if any(d.violation and d.verdict == "promoted" for d in ranked):
            assert not [d for d in ranked if not d.violation and d.verdict == "pruned"]
