"""Rank correlations and tests give the numbers of scipy.stats."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from searchctl.orchestrator.statistics.audit import assess_audit
from searchctl.orchestrator.statistics.rank_tests import kendall, kruskal, ranks, spearman

FEW = st.sampled_from([0.0, 0.25, 0.5, 1.0, 3.0])
MANY = st.floats(-5, 5).map(lambda value: round(value, 3))


@settings(max_examples=60, deadline=None)
@given(
    st.one_of(*(st.lists(st.tuples(each, each), min_size=2, max_size=70) for each in (FEW, MANY)))
)
def test_correlations_are_those_of_scipy(pairs):
    first, second = zip(*pairs, strict=True)
    assert ranks(first).tolist() == stats.rankdata(first).tolist()
    if len(set(first)) < 2 or len(set(second)) < 2:
        return
    theirs = stats.kendalltau(first, second)
    assert kendall(first, second) == pytest.approx((theirs.statistic, theirs.pvalue), abs=1e-12)
    assert spearman(first, second) == pytest.approx(stats.spearmanr(first, second).statistic)


@pytest.mark.parametrize("n", [2, 3, 7, 33, 34, 60])
def test_p_values_of_orders_without_ties_are_exact(n):
    order = list(range(n))
    turned = [*order[:-2], order[-1], order[-2]]
    for second in (order, order[::-1], turned, np.random.default_rng(n).permutation(n).tolist()):
        theirs = stats.kendalltau(order, second)
        assert kendall(order, second) == pytest.approx((theirs.statistic, theirs.pvalue), rel=1e-9)


def test_groups_are_compared_as_scipy_does():
    groups = [[1.0, 2.0, 2.0, 5.0], [2.0, 3.0], [9.0, 9.0, 1.0], [4.0], [3.5, 2.5]]
    for count in (2, 3, 4, 5):
        some = groups[:count]
        assert kruskal(some) == pytest.approx(stats.kruskal(*some).pvalue, rel=1e-12)


@pytest.mark.parametrize("better", [0, 1, 4, 9])
def test_the_interval_of_an_audit_is_that_of_clopper_and_pearson(better):
    found = assess_audit({n: float(n < better) for n in range(9)}, 0.5, pruned=100)
    theirs = stats.binomtest(better, 9).proportion_ci(0.95, method="exact")
    assert (found.low, found.high) == pytest.approx((theirs.low, theirs.high))
