from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from searchctl.orchestrator.statistics.paired_bootstrap import (
    GroupBootstrap,
    NotAssessable,
    bootstrap_over,
    same_images,
)
from searchctl.trainer.core.results import score_of
from searchctl.trainer.scores.build import build_score
from tests.images.image_counts import confusions, counted, network

SCORES = ("val_miou", "val_loss", "val_accuracy")


def groups(images, count):
    return [f"clip {image % count}" for image in range(images)]


def compared(first, second, *, score="val_miou", count=12, draws=2000):
    bootstrap = GroupBootstrap(groups(len(first.counts), count), draws=draws)
    ranking = build_score(score, "abcd")
    return bootstrap.difference(*(bootstrap.resample(each, ranking) for each in (first, second)))


@pytest.mark.parametrize("score", SCORES)
def test_the_difference_is_that_of_the_scores_that_ranked_them(score):
    (first, good), (second, bad) = (counted(confusions(skill)) for skill in (0.8, 0.6))
    expected = score_of(good, score) - score_of(bad, score)
    sign = -1 if score == "val_loss" else 1
    assert compared(first, second, score=score).value == pytest.approx(sign * expected)


@pytest.mark.parametrize("score", SCORES)
def test_a_draw_scores_the_images_of_the_groups_that_it_holds(score):
    confusion = confusions(0.7, images=30)
    whole, _ = counted(confusion)
    bootstrap = GroupBootstrap(groups(30, 10), draws=20, seed=3)
    found = bootstrap.resample(whole, build_score(score, "abcd")).draws
    order = np.unique(groups(30, 10), return_inverse=True)[1]
    for times, value in zip(bootstrap._times, found, strict=True):
        images = np.concatenate([np.repeat(i, times[order[i]]) for i in range(30)])
        _, evaluation = counted(confusion[images])
        expected = score_of(evaluation, score)
        assert value == pytest.approx(-expected if score == "val_loss" else expected)


def test_a_class_that_a_draw_lacks_counts_zero_for_both_networks():
    confusion = np.zeros((10, 2, 2), dtype=np.int64)
    confusion[:, 0, 0] = 5
    confusion[0, 1, 1] = 5  # the second class is in the first image only
    score = build_score("val_miou", "ab")
    found = GroupBootstrap(groups(10, 10), draws=500).resample(counted(confusion)[0], score)
    assert set(found.draws) == {0.5, 1.0}
    assert found.score == 1.0


def test_each_draw_holds_as_many_groups_as_there_are():
    times = GroupBootstrap(groups(30, 11), draws=100)._times
    assert times.shape == (100, 11)
    assert set(times.sum(axis=1)) == {11}


def test_the_interval_of_a_clear_difference_excludes_zero():
    found = compared(network(0.9), network(0.6))
    assert 0 < found.low < found.value < found.high
    assert found.p < 0.001
    assert (found.groups, found.images) == (12, 12)


def test_equal_networks_have_no_difference():
    found = compared(network(0.7), network(0.7))
    assert (found.value, found.low, found.high, found.p) == (0.0, 0.0, 0.0, 1.0)


def test_networks_of_the_same_skill_rarely_differ_significantly():
    significant = [
        compared(network(0.7, seed=seed), network(0.700001, seed=seed), draws=500).p < 0.05
        for seed in range(100)
    ]
    assert 0 < sum(significant) <= stats.binom.isf(0.001, 100, 0.05)


def test_the_interval_of_a_mean_is_the_one_of_student():
    """The loss per pixel of images alike in size is a plain mean: there the truth is known."""
    confusion = np.tile([[50, 50], [0, 0]], (40, 1, 1))
    losses = np.random.default_rng(0).normal(3, 1, 40) * 100
    first = counted(confusion, losses)[0]
    second = replace(first, loss_sums=np.zeros(40))
    found = compared(second, first, score="val_loss", count=40, draws=20_000)
    student = stats.ttest_1samp(losses / 100, 0).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((student.low, student.high), abs=0.03)


def test_images_of_one_group_are_resampled_as_one():
    first, second = network(0.75, images=60), network(0.72, images=60)
    apart = compared(first, second, count=60)
    copies = [replace(each, **{n: np.repeat(v[:12], 5, axis=0) for n, v in vars(each).items()})
              for each in (first, second)]  # fmt: skip
    bootstrap = GroupBootstrap([str(image // 5) for image in range(60)], draws=2000)
    score = build_score("val_miou", "abcd")
    paired = bootstrap.difference(*(bootstrap.resample(each, score) for each in copies))
    assert paired.high - paired.low > 1.5 * (apart.high - apart.low)


@pytest.mark.parametrize(("count", "words"), [(9, "9 groups"), (1, "1 group,")])
def test_under_ten_groups_nothing_is_assessed(count, words):
    refused = bootstrap_over(groups(20, count))
    assert isinstance(refused, NotAssessable)
    assert refused.groups == count
    assert f"the 20 validation images are {words}" in refused.why


def test_ten_groups_are_enough():
    assert isinstance(bootstrap_over(groups(20, 10)), GroupBootstrap)


def test_the_same_draws_are_made_every_time():
    pair = network(0.8), network(0.75)
    assert compared(*pair) == compared(*pair)


def test_networks_are_comparable_on_the_same_labels_only():
    assert same_images(network(0.5), network(0.9))
    assert not same_images(network(0.5), network(0.5, seed=1))
    assert not same_images(network(0.5), network(0.5, images=11))
