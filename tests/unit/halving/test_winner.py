import pytest

from searchctl.orchestrator.halving.winner import Standing, standings

RANKED = [(7, 0.9), (3, 0.8), (5, 0.7)]
"""Finalists with their scores on the ladder, the best first."""
EQUAL = {(trial, n): 0.8 for trial, _ in RANKED for n in (1, 2)}


def order(repeats, choose="mean", direction="maximize"):
    return standings(RANKED, repeats, seeds=3, choose=choose, direction=direction)


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, [7, 3, 5]),
        ({(3, 1): 1.0, (3, 2): 0.9}, [3, 7, 5]),
        ({(5, 1): 0.99, (5, 2): 0.99}, [5, 7, 3]),
        ({(7, 2): None}, [3, 5, 7]),  # diverged or failed
        ({(7, 2): float("nan")}, [3, 5, 7]),
        ({(7, 1): None, (3, 2): None}, [5, 7, 3]),
        ({(7, 1): None, (3, 1): None, (3, 2): None}, [5, 7, 3]),
        ({(3, 1): 0.9}, [7, 3, 5]),  # means 0.8333 for both: the ladder's order
    ],
    ids=str,
)
def test_the_best_mean_wins_and_a_seed_without_a_score_helps_nobody(changed, expected):
    assert [each.trial for each in order({**EQUAL, **changed})] == expected


def test_a_seed_counts_once_all_finalists_have_ended_it():
    ended = {(7, 1): 0.0, (3, 1): 0.9}
    assert [each.trial for each in order(ended)] == [7, 3, 5]
    first, second, _ = order({**ended, (5, 1): 0.0, (7, 2): 1.0})
    assert first == Standing(3, pytest.approx(0.85), 2, 0)
    assert second == Standing(7, pytest.approx(0.45), 2, 0)


def test_a_lower_mean_wins_where_lower_is_better():
    assert order({**EQUAL, (5, 1): 0.1}, direction="minimize")[0].trial == 5


def test_the_ladder_decides_unless_the_mean_is_asked_for():
    assert order({**EQUAL, (7, 1): None}, "best") == [Standing(7), Standing(3), Standing(5)]
    assert standings([], {}, seeds=3, choose="mean", direction="maximize") == []
