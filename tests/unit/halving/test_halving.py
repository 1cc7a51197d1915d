from fractions import Fraction as F

import pytest

from searchctl.orchestrator.halving.cut import cut
from searchctl.orchestrator.halving.rule import Outcome, plan_ladder, rung_counts

FULL = F(1)


@pytest.mark.parametrize(
    ("trials", "eta", "finalists", "keep", "expected"),
    [
        (36, 2, 2, "floor", (36, 18, 9, 4, 2)),
        (36, 2, 2, "ceil", (36, 18, 9, 5, 3, 2)),
        (36, 2, 1, "floor", (36, 18, 9, 4, 2, 1)),
        (12, 2, 2, "floor", (12, 6, 3, 2)),
        (243, 3, 1, "floor", (243, 81, 27, 9, 3, 1)),
        (1000, 10, 1, "floor", (1000, 100, 10, 1)),
        (5, 2, 3, "floor", (5, 3)),
        (2, 2, 2, "floor", (2,)),
        (1, 2, 1, "floor", (1,)),
    ],
)
def test_rung_counts(trials, eta, finalists, keep, expected):
    assert rung_counts(trials, eta=eta, finalists=finalists, keep=keep) == expected


def ladder(*args, **options):
    return [(r.trials, r.fraction, r.images) for r in plan_ladder(*args, **options).rungs]


def test_fractions_are_anchored_at_the_top():
    assert ladder(36, 2975) == [
        (36, F(1, 16), 186),
        (18, F(1, 8), 372),
        (9, F(1, 4), 744),
        (4, F(1, 2), 1488),
        (2, FULL, 2975),
    ]


def test_without_a_cut_every_trial_is_on_every_rung_whatever_the_finalists():
    assert ladder(8, 64, keep="all", finalists=9, fractions=[F(1, 8), F(1, 2), FULL]) == [
        (8, F(1, 8), 8),
        (8, F(1, 2), 32),
        (8, FULL, 64),
    ]
    assert ladder(8, 64, keep="all") == [(8, F(1, 4), 16), (8, F(1, 2), 32), (8, FULL, 64)]


def test_the_reference_sweep_costs_10_75_full_trainings():
    assert plan_ladder(36, 2975).full_trainings == F(43, 4)


def test_min_fraction_shortens_the_ladder_from_the_bottom():
    assert ladder(36, 2975, min_fraction=F(1, 8)) == [
        (36, F(1, 8), 372),
        (18, F(1, 4), 744),
        (9, F(1, 2), 1488),
        (2, FULL, 2975),
    ]


def test_fractions_can_be_set_by_hand():
    fractions = [F(1, 10), F(1, 3), FULL]
    assert ladder(36, 90, fractions=fractions) == [(36, F(1, 10), 9), (18, F(1, 3), 30), (2, 1, 90)]


def test_more_fractions_than_cuts_leave_out_the_smallest():
    plan = plan_ladder(4, 40, fractions=[F(1, 8), F(1, 4), FULL])
    assert [(r.trials, r.images) for r in plan.rungs] == [(4, 10), (2, 40)]
    assert plan.warnings == ("4 trials need 2 rungs: unused fractions 1/8",)


def test_a_min_fraction_of_1_is_a_full_grid():
    assert ladder(36, 100, min_fraction=FULL) == [(36, FULL, 100)]


def test_rungs_below_one_batch_are_merged_into_the_larger_cohort():
    plan = plan_ladder(36, 40, min_images=16)
    assert [(r.trials, r.images) for r in plan.rungs] == [(36, 16), (4, 20), (2, 40)]
    assert [r.number for r in plan.rungs] == [0, 1, 2]
    assert "merged" in plan.warnings[0]


def test_a_data_set_smaller_than_a_batch_gives_one_rung():
    assert ladder(36, 10, min_images=16) == [(36, FULL, 10)]


def test_more_finalists_than_trials_is_one_full_rung_with_a_warning():
    plan = plan_ladder(3, 100, finalists=5)
    assert [(r.trials, r.images) for r in plan.rungs] == [(3, 100)]
    assert "finalists 5 >= trials 3" in plan.warnings[0]


@pytest.mark.parametrize("bad", [{"trials": 0}, {"images": 0}, {"finalists": 0}, {"eta": 1}])
def test_impossible_ladders_are_refused(bad):
    good = {"trials": 4, "images": 10, "eta": 2, "finalists": 1}
    with pytest.raises(ValueError, match="a ladder needs 1 trial"):
        plan_ladder(**{**good, **bad})


def outcomes(*scores):
    return [Outcome(number, 0, score) for number, score in enumerate(scores)]


def promoted(decisions):
    return [d.trial for d in decisions if d.verdict == "promoted"]


def test_the_best_are_promoted_in_either_direction():
    scores = outcomes(0.3, 0.9, 0.1, 0.5)
    assert promoted(cut(scores, 2, "maximize")) == [1, 3]
    assert promoted(cut(scores, 2, "minimize")) == [2, 0]


def test_ties_go_to_the_lower_trial_number():
    assert promoted(cut(outcomes(0.5, 0.5, 0.5, 0.5), 2, "maximize")) == [0, 1]


def test_the_next_rung_shrinks_rather_than_promote_a_trial_without_a_score():
    decisions = cut(outcomes(float("nan"), 0.2, float("inf"), None), 2, "maximize")
    assert promoted(decisions) == [1]
    assert [d.verdict for d in decisions] == ["promoted", "diverged", "diverged", "diverged"]


def test_a_failed_trial_differs_from_a_diverged_one():
    decisions = cut([Outcome(0, 0, 0.5, failed=True), Outcome(1, 0, None)], 1, "maximize")
    assert [d.verdict for d in decisions] == ["failed", "diverged"]


def test_no_trial_is_cut_on_the_last_rung():
    decisions = cut(outcomes(0.2, 0.7), None, "maximize")
    assert [(d.trial, d.verdict, d.rank) for d in decisions] == [
        (1, "complete", 1),
        (0, "complete", 2),
    ]
    assert [d.margin for d in decisions] == [None, None]


def test_the_margin_is_the_distance_to_the_other_side_of_the_cut():
    decisions = cut(outcomes(0.9, 0.6, 0.5, 0.1), 2, "maximize")
    assert [d.margin for d in decisions] == pytest.approx([0.4, 0.1, -0.1, -0.5])
    assert {d.cutoff for d in decisions} == {0.6}
    assert decisions[2].reason == "rank 3 of 4, 2 kept, 0.1 behind the last survivor"


def test_margins_of_a_score_to_minimize_are_positive_for_the_survivors():
    decisions = cut(outcomes(0.9, 0.6), 1, "minimize")
    assert [d.margin for d in decisions] == pytest.approx([0.3, -0.3])


@pytest.mark.parametrize(
    ("scores", "planned", "protected", "expected", "kept"),
    [
        ((0.9, 0.8, 0.7, 0.6, 0.1), 3, {4}, [0, 1, 4], 2),
        ((0.1, 0.8, 0.7, 0.6, 0.9), 3, {4}, [4, 1, 2], 3),
        ((0.9, 0.8, 0.7, 0.6, 0.1), 3, {2, 4}, [0, 2, 4], 1),
        ((0.9, 0.8, 0.7, 0.6, None), 3, {4}, [0, 1, 2], 3),
        ((0.9, 0.8), 2, {0, 1}, [0, 1], 2),
        ((0.9, 0.8, 0.7), 1, {1, 2}, [1, 2], 0),
        ((0.5, 0.5, 0.5), 2, {2}, [0, 2], 1),
    ],
)
def test_a_protected_trial_is_never_cut_and_takes_none_of_the_places_of_the_others(
    scores, planned, protected, expected, kept
):
    decisions = cut(outcomes(*scores), planned, "maximize", protected)
    assert promoted(decisions) == expected
    assert {d.kept for d in decisions} == {kept}
    assert {d.trial for d in decisions if d.spared} <= protected


def test_the_decision_on_a_protected_trial_says_why_it_continues():
    last = cut(outcomes(0.9, 0.8, 0.7, 0.6, 0.1), 3, "maximize", {4})[-1]
    assert (last.verdict, last.rank, last.margin) == ("promoted", 5, pytest.approx(-0.7))
    assert last.reason.endswith("a known point, which stays on the ladder (protect_known)")


def test_protected_trials_are_planned_beside_the_others():
    assert [count for count, *_ in ladder(36, 2975, protected=1)] == [36, 19, 10, 5, 3]
    assert [count for count, *_ in ladder(3, 100, protected=2)] == [3, 3]
