import pytest

from searchctl.orchestrator.planning.cost import Span, makespan, over_survivors, rung_wall


def exactly(*costs):
    return [Span.exactly(cost) for cost in costs]


def test_all_trials_together_cost_their_exact_sum():
    assert over_survivors(exactly(3, 1, 7), 3) == Span(11, 11, 11)


def test_some_survivors_cost_between_the_cheapest_and_the_dearest():
    assert over_survivors(exactly(3, 1, 7, 1), 2) == Span(2, 6, 10)


def test_the_spread_of_each_trial_widens_the_sum():
    assert over_survivors([Span(1, 2, 4), Span(2, 3, 9)], 1) == Span(1, 2.5, 9)


@pytest.mark.parametrize(
    ("seconds", "slots", "end"),
    [([5], 4, 5), ([1, 1, 1, 1], 2, 2), ([1, 1, 1], 2, 2), ([1, 2, 3, 4], 2, 6), ([], 2, 0)],
)
def test_jobs_go_in_their_order_to_the_first_free_slot(seconds, slots, end):
    assert makespan(seconds, slots) == end


def test_a_rung_waits_for_its_longest_queue():
    assert rung_wall(exactly(1, 1, 6), 3, 2) == Span(7, 7, 7)  # the long one begins last
    assert rung_wall(exactly(6, 1, 1), 3, 2) == Span(6, 6, 6)


def test_survivors_are_reckoned_from_the_fastest_to_the_slowest():
    trials = exactly(9, 1, 5, 1, 5, 9)
    assert rung_wall(trials, 3, 3) == Span(5, 9, 9)
    assert rung_wall(trials, 2, 2) == Span(1, 9, 9)
    assert rung_wall(trials, 2, 1) == Span(2, 10, 18)
