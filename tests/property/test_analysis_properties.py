"""The analysis against definitions written out in full."""

from itertools import combinations, permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from searchctl.orchestrator.statistics.holm import holm
from searchctl.orchestrator.statistics.paired_bootstrap import GroupBootstrap
from searchctl.orchestrator.statistics.pareto import Point, pareto_front
from searchctl.orchestrator.statistics.rank_agreement import rank_agreement
from searchctl.trainer.core.results import ImageCounts
from searchctl.trainer.scores.build import build_score
from searchctl.trainer.scores.catalog import SCORES

P_VALUES = st.lists(st.floats(0, 1), max_size=7)
FEW = st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0])  # ties


@given(P_VALUES)
def test_holm_is_the_closed_test_of_bonferroni_s_tests(p_values):
    """A hypothesis falls if every set that holds it does: Marcus, Peritz & Gabriel 1976."""
    indices = range(len(p_values))
    sets = [set(c) for size in indices for c in combinations(indices, size + 1)]
    expected = [
        max(min(1.0, len(s) * min(p_values[i] for i in s)) for s in sets if i in s) for i in indices
    ]
    assert holm(p_values) == pytest.approx(expected)


@given(st.lists(st.tuples(FEW, FEW), max_size=12))
def test_the_front_has_all_undominated_points(pairs):
    points = [Point(trial, *pair) for trial, pair in enumerate(pairs)]

    def outdone(point):
        return any(
            other.quality >= point.quality
            and other.cost <= point.cost
            and (other.quality, other.cost, -other.trial)
            != (point.quality, point.cost, -point.trial)
            and ((other.quality, other.cost) != (point.quality, point.cost)
                 or other.trial < point.trial)
            for other in points
        )  # fmt: skip

    front = pareto_front(points)
    assert sorted(p.trial for p in front) == [p.trial for p in points if not outdone(p)]
    assert [p.cost for p in front] == sorted(p.cost for p in front)


@given(st.dictionaries(st.integers(0, 30), st.tuples(FEW, FEW), min_size=2, max_size=15))
def test_kendall_s_tau_b_counts_pairs(scores):
    lower, upper = ({t: pair[side] for t, pair in scores.items()} for side in (0, 1))
    pairs = [(lower[a] - lower[b], upper[a] - upper[b]) for a, b in combinations(scores, 2)]
    agree = sum(np.sign(x * y) for x, y in pairs)
    untied = [sum(1 for pair in pairs if pair[side]) for side in (0, 1)]
    found = rank_agreement(lower, upper, top=3)
    if min(untied) == 0:
        assert found.kendall is None
    else:
        assert found.kendall == pytest.approx(agree / np.sqrt(untied[0] * untied[1]))


@pytest.mark.parametrize(("n", "top"), [(1, 1), (3, 2), (5, 2), (5, 4)])
def test_by_chance_as_many_best_are_shared_as_on_average_over_all_orders(n, top):
    lower = dict(enumerate(range(n)))
    found = [rank_agreement(lower, dict(enumerate(order)), top) for order in permutations(range(n))]
    assert {each.shared_by_chance for each in found} == {top * top / n}
    assert np.mean([each.shared for each in found]) == pytest.approx(top * top / n)


@st.composite
def pairs_of_networks(draw):
    """Two networks' counts on the same labels, and the images' groups."""
    images, classes = draw(st.integers(10, 25)), draw(st.integers(1, 4))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    truth = rng.integers(0, 50, (images, classes))
    truth[0] += 1
    networks = []
    for _ in range(2):
        hits = rng.integers(0, truth + 1)
        counts = np.stack([hits, rng.integers(0, 9, truth.shape), truth - hits], axis=2)
        losses, pixels = rng.random(images), truth.sum(axis=1)
        networks.append(ImageCounts(counts.astype(np.uint32), losses, pixels))
    groups = rng.permutation([str(image % 10) for image in range(images)])
    score = build_score(draw(st.sampled_from(list(SCORES))), "abcd"[:classes])
    return networks, groups, score


@settings(max_examples=50)
@given(pairs_of_networks())
def test_a_difference_turned_round_is_its_negative(pair):
    (first, second), groups, score = pair
    bootstrap = GroupBootstrap(groups, draws=200)
    a, b = (bootstrap.resample(each, score) for each in (first, second))
    there, back = bootstrap.difference(a, b), bootstrap.difference(b, a)
    assert (there.value, there.low, there.high) == pytest.approx(
        (-back.value, -back.high, -back.low)
    )
    assert there.p == pytest.approx(back.p)
    assert 0 < there.p <= 1


@settings(max_examples=50)
@given(pairs_of_networks())
def test_the_interval_holds_zero_exactly_where_the_p_is_no_less_than_five_percent(pair):
    (first, second), groups, score = pair
    bootstrap = GroupBootstrap(groups, draws=2000)
    found = bootstrap.difference(*(bootstrap.resample(each, score) for each in (first, second)))
    if not 0.045 < found.p < 0.055:  # at the edge the quantile is interpolated
        assert (found.low <= 0 <= found.high) == (found.p >= 0.05)
