import pytest

from searchctl.orchestrator.statistics.cut import MOST_HOLM, Opponent, compare, needed, opponents
from searchctl.orchestrator.statistics.holm import holm
from searchctl.orchestrator.statistics.paired_bootstrap import GroupBootstrap
from searchctl.trainer.scores.build import build_score
from searchctl.trainer.scores.catalog import SCORES
from tests.images.image_counts import network

SKILLS = {0: 0.90, 1: 0.80, 2: 0.79, 3: 0.60}
COUNTS = {trial: network(skill) for trial, skill in SKILLS.items()}
BOOTSTRAP = GroupBootstrap([str(image) for image in range(12)], draws=1000)


def judged(trial, against, counts=COUNTS, score="val_miou"):
    return compare(trial, against, counts, BOOTSTRAP, build_score(score, "abcd"))


def alone(first, second):
    score = build_score("val_miou", "abcd")
    pair = (BOOTSTRAP.resample(COUNTS[each], score) for each in (first, second))
    return BOOTSTRAP.difference(*pair)


def test_each_side_is_compared_with_the_nearest_on_the_other():
    survivor, dropped = Opponent(1, "the last survivor"), Opponent(2, "the best that was cut")
    found = opponents([0, 1, 2, 3], 2, last=False)
    assert found == {0: dropped, 1: dropped, 2: survivor, 3: survivor}


def test_on_the_last_rung_all_are_compared_with_the_winner():
    winner = Opponent(0, "the winner")
    found = opponents([0, 1, 2], 3, last=True)
    assert found == {0: Opponent(1, "the runner-up"), 1: winner, 2: winner}


@pytest.mark.parametrize(
    ("ranked", "kept", "last"),
    [([0, 1], 2, False), ([0], 1, True), ([], 0, False)],
    ids=["all others failed", "one finalist", "no trials"],
)
def test_a_rung_without_a_cut_compares_nothing(ranked, kept, last):
    assert opponents(ranked, kept, last=last) == {}


def test_the_p_is_corrected_for_every_comparison_of_the_cut_counted_once():
    against = opponents([0, 1, 2, 3], 2, last=False)
    pairs = [(0, 2), (1, 2), (3, 1)]  # 2 with 1 is 1 with 2
    corrected = holm([alone(*pair).p for pair in pairs])
    for trial, p in zip((0, 1, 3), corrected, strict=True):
        found = judged(trial, against)
        assert (found.p, found.correction, found.comparisons) == (pytest.approx(p), "Holm", 3)
    assert judged(2, against).p == judged(1, against).p


def test_the_difference_is_relative_to_the_requested_trial():
    against = opponents([0, 1, 2, 3], 2, last=False)
    assert judged(3, against).difference == alone(3, 1)
    assert judged(3, against).difference.value < 0 < judged(0, against).difference.value


@pytest.mark.parametrize("score", SCORES)
def test_a_better_network_is_better_by_every_score(score):
    against = opponents([0, 3], 1, last=False)
    found = judged(0, against, score=score)
    assert 0 < found.difference.low < found.difference.high
    assert found.comparisons == 1
    assert found.p == found.difference.p


def test_a_large_rung_needs_the_two_networks_only_and_bounds_the_correction():
    many = opponents(range(MOST_HOLM + 2), 20, last=False)
    assert needed(3, many) == [3, 20]
    assert needed(3, opponents([0, 1, 2, 3], 2, last=False)) == [0, 1, 2, 3]
    counts = {3: COUNTS[1], 20: COUNTS[2]}
    found = judged(3, many, counts)
    assert found.correction == "Bonferroni"
    assert found.p == min(1, (MOST_HOLM + 1) * found.difference.p)


def test_bonferroni_s_bound_is_never_below_holm_s_correction():
    against = opponents([0, 1, 2, 3], 2, last=False)
    two = {trial: COUNTS[trial] for trial in (1, 3)}
    assert judged(3, against, two).p >= judged(3, against).p
