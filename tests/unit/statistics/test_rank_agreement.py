import numpy as np
import pytest
from scipy import stats

from searchctl.orchestrator.statistics.rank_agreement import rank_agreement


def scores(values, start=0):
    return dict(enumerate(values, start))


def shuffled(n, noise, seed=0):
    rng = np.random.default_rng(seed)
    truth = np.arange(n, dtype=float)
    return scores(truth), scores(truth + rng.normal(0, noise, n))


def test_the_trials_that_ran_both_are_compared():
    found = rank_agreement(scores([1, 2, 3, 4]), {1: 0.5, 3: 0.4}, top=1)
    assert (found.n, found.kendall, found.spearman) == (2, -1, pytest.approx(-1))


def test_both_coefficients_are_scipy_s():
    lower, upper = shuffled(12, 4)
    pair = list(lower.values()), list(upper.values())
    found = rank_agreement(lower, upper, top=3)
    assert found.kendall == pytest.approx(stats.kendalltau(*pair).statistic)
    assert found.spearman == pytest.approx(stats.spearmanr(*pair).statistic)


@pytest.mark.parametrize(("n", "given"), [(7, False), (8, True)])
def test_under_eight_trials_there_is_no_interval(n, given):
    found = rank_agreement(*shuffled(n, 3), top=2)
    assert (found.kendall_interval is not None) == given
    assert (found.spearman_interval is not None) == given


def test_the_same_order_throughout_has_no_interval():
    found = rank_agreement(scores(range(9)), scores(range(9)), top=2)
    assert (found.kendall, found.kendall_interval, found.spearman_interval) == (1, None, None)


def test_the_intervals_hold_what_they_promise():
    """95 of 100 intervals hold the coefficient of the law that the scores are drawn from."""
    rng = np.random.default_rng(5)
    correlation, held = 0.6, {"kendall": 0, "spearman": 0}
    truth = {
        "kendall": 2 / np.pi * np.arcsin(correlation),
        "spearman": 6 / np.pi * np.arcsin(correlation / 2),
    }
    law = [[1, correlation], [correlation, 1]]
    for _ in range(300):
        lower, upper = rng.multivariate_normal([0, 0], law, 12).T
        found = rank_agreement(scores(lower), scores(upper), top=1)
        for name in held:
            low, high = getattr(found, f"{name}_interval")
            held[name] += low <= truth[name] <= high
    assert all(0.92 <= count / 300 <= 0.99 for count in held.values()), held


@pytest.mark.parametrize("tied", [[1, 1, 1], []], ids=["all tied", "no trials"])
def test_without_an_order_there_is_no_coefficient(tied):
    found = rank_agreement(scores([3, 2, 1]), scores(tied), top=2)
    assert (found.kendall, found.spearman) == (None, None)


def test_the_best_of_the_lower_rung_are_looked_for_among_the_best_of_the_upper():
    lower = scores([9, 8, 7, 6, 5, 4])
    found = rank_agreement(lower, {0: 0.9, 1: 0.1, 2: 0.8, 3: 0.2}, top=2)
    assert (found.top, found.shared, found.shared_by_chance) == (2, 1, 1.0)


def test_ties_among_the_best_go_to_the_lower_number_as_in_the_cut():
    found = rank_agreement(scores([5, 5, 5]), scores([1, 2, 3]), top=1)
    assert found.shared == 0  # trial 0 of the lower rung, trial 2 of the upper one


def test_the_spread_says_how_narrow_the_survivors_lie():
    every = [0, 2, 8, 10]
    found = rank_agreement(scores(every), {2: 1.0, 3: 0.0}, top=1)
    assert found.spread == pytest.approx(np.std([8, 10], ddof=1) / np.std(every, ddof=1))
    assert rank_agreement(scores([1, 1]), scores([1, 1]), top=1).spread is None
