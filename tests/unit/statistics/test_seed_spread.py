import pytest

from searchctl.orchestrator.statistics.seed_spread import Order, order, spread


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
        ({5: [1.0, 0.0, 0.5], 2: [0.5, 0.25, 0.0]}, Order({5: 0.5, 2: 0.25}, 5, 3, 2)),
        ({5: [1.0, 0.0], 2: [0.75, 0.75]}, Order({5: 0.5, 2: 0.75}, 2, 2, 1)),  # not the winner
        ({5: [1.0, None], 2: [0.5, 1.0]}, Order({5: 1.0, 2: 0.75}, 5, 1, 1)),  # one has both
        ({5: [0.5, 0.5], 2: [0.5, 0.5]}, Order({5: 0.5, 2: 0.5}, 5, 2, 2)),  # the winner's tie
        ({5: [0.5, 0.75]}, Order({5: 0.625}, 5, 2, 2)),
        ({5: [None], 2: [0.5]}, Order({2: 0.5}, 2, 0, 0)),
        ({5: [None], 2: [None]}, Order({}, None, 0, 0)),
    ],
)
def test_finalists_are_compared_seed_by_seed_and_on_average(scores, expected):
    assert order(scores) == expected
