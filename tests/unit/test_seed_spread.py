import pytest

from orchestrator.analysis.seed_spread import Order, order, spread


def test_the_spread_is_that_of_one_training():
    found = spread([0.5, 0.7])
    assert (found.n, found.mean) == (2, 0.6)
    assert found.deviation == pytest.approx(0.02**0.5)


def test_one_training_has_no_spread_and_none_has_no_mean():
    assert spread([0.5]).deviation is None
    assert spread([]) is None


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        ({5: [0.9, 0.7, 0.8], 2: [0.8, 0.6, 0.9]}, Order(5, 3, 2)),
        ({5: [0.9, 0.5], 2: [0.8, 0.8]}, Order(2, 2, 1)),  # it does not stay the winner
        ({5: [0.9, None], 2: [0.8, 0.95]}, Order(5, 1, 1)),  # only one seed has both
        ({5: [0.5, 0.5], 2: [0.5, 0.5]}, Order(5, 2, 2)),  # ties are the winner's
        ({5: [0.5, 0.6]}, Order(5, 2, 2)),
    ],
)
def test_finalists_are_compared_seed_by_seed_and_on_average(scores, expected):
    assert order(scores) == expected
