from hypothesis import given
from hypothesis import strategies as st

from searchctl.orchestrator.planning.cost import Span, over_survivors, rung_wall

seconds = st.floats(0.01, 1000)
spans = st.tuples(seconds, seconds, seconds).map(lambda ends: Span(*sorted(ends)))
trials = st.lists(spans, min_size=1, max_size=30)


def ordered(span):
    return span.low <= span.expected * (1 + 1e-9) and span.expected <= span.high * (1 + 1e-9)


@given(trials, st.data())
def test_expected_values_are_within_their_intervals(trials, data):
    survivors = data.draw(st.integers(1, len(trials)))
    assert ordered(over_survivors(trials, survivors))
    assert ordered(rung_wall(trials, survivors, data.draw(st.integers(1, 8))))


@given(trials, st.integers(1, 8))
def test_a_rung_takes_no_less_than_its_longest_job_and_no_more_than_one_by_one(trials, slots):
    wall = rung_wall(trials, len(trials), slots).expected
    costs = [trial.expected for trial in trials]
    assert max(costs) * (1 - 1e-9) <= wall <= sum(costs) * (1 + 1e-9)
    assert wall >= sum(costs) / slots * (1 - 1e-9)


@given(trials)
def test_one_slot_takes_the_jobs_one_by_one(trials):
    wall, whole = rung_wall(trials, len(trials), 1), over_survivors(trials, len(trials))
    assert abs(wall.expected - whole.expected) < 1e-6 * whole.expected
