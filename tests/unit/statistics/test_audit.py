import pytest

from searchctl.orchestrator.statistics.audit import assess_audit


def test_of_none_that_beat_the_winner_the_bound_is_that_of_the_closed_form():
    found = assess_audit({1: 0.5, 4: 0.7, 6: None}, 0.8, pruned=30)
    assert (found.n, found.better, found.share, found.low) == (3, 0, 0, 0)
    assert found.high == pytest.approx(1 - 0.025 ** (1 / 3))
    assert (found.best, found.margin, found.regret) == (4, pytest.approx(-0.1), 0)


def test_the_interval_is_that_of_the_table():
    """Clopper and Pearson's own figure: 2 of 10 at 95 %."""
    found = assess_audit({trial: float(trial >= 8) for trial in range(10)}, 0.5, pruned=99)
    assert (found.better, round(found.low, 4), round(found.high, 4)) == (2, 0.0252, 0.5561)
    assert found.regret == 0.5


def test_a_tie_does_not_beat_the_winner():
    found = assess_audit({1: 0.8}, 0.8, pruned=9)
    assert (found.better, found.margin, found.regret) == (0, 0, 0)


def test_an_audit_of_all_trials_has_no_uncertainty():
    found = assess_audit({1: 0.9, 2: 0.5}, 0.8, pruned=2)
    assert (found.low, found.share, found.high) == (0.5, 0.5, 0.5)


def test_an_audit_without_trials_or_scores_has_no_estimate():
    assert assess_audit({}, 0.8, pruned=9) is None
    found = assess_audit({1: None}, 0.8, pruned=9)
    assert (found.n, found.better, found.best, found.margin, found.regret) == (1, 0, None, None, 0)
