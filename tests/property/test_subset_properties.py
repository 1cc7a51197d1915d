"""The nested order's promises, over any data set that hypothesis can think of."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from searchctl.trainer.data.subset import nested_order

pixel_counts = hnp.arrays(
    np.int64,
    hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=40),
    elements=st.sampled_from([0, 0, 0, 1, 7, 500, 10**6]),
)
seeds = st.integers(0, 2**31)


@given(pixel_counts, seeds)
def test_the_order_is_a_permutation(pixels, seed):
    assert sorted(nested_order(pixels, seed)) == list(range(len(pixels)))


@given(pixel_counts, seeds)
def test_the_same_seed_gives_the_same_order(pixels, seed):
    assert nested_order(pixels, seed) == nested_order(pixels.copy(), seed)


@given(pixel_counts, seeds)
def test_every_image_brings_a_new_class_until_all_are_covered(pixels, seed):
    present = pixels[list(nested_order(pixels, seed))] > 0
    covered = np.logical_or.accumulate(present).sum(axis=1)
    steps_to_all = int(np.argmax(covered == covered[-1]))
    assert (np.diff(covered[: steps_to_all + 1]) > 0).all()


@given(pixel_counts, seeds)
def test_the_first_image_covers_as_many_classes_as_any(pixels, seed):
    classes = (pixels > 0).sum(axis=1)
    assert classes[nested_order(pixels, seed)[0]] == classes.max()


@given(st.integers(1, 30), st.integers(1, 5), seeds)
def test_every_prefix_keeps_the_shares_of_classes_that_exclude_each_other(rounds, classes, seed):
    pixels = np.tile(np.eye(classes, dtype=np.int64), (rounds, 1))
    counts = np.cumsum(pixels[list(nested_order(pixels, seed))], axis=0)
    expected = np.arange(1, len(pixels) + 1)[:, None] / classes
    assert np.abs(counts - expected).max() <= 1 + np.log2(len(pixels)) / 2


@given(st.integers(0, 5), st.integers(1, 5), seeds)
def test_classes_of_equal_powers_of_two_are_taken_in_turn(doublings, classes, seed):
    pixels = np.tile(np.eye(classes, dtype=np.int64), (2**doublings, 1))
    order = np.array(nested_order(pixels, seed)) % classes
    for level in range(doublings + 1):
        assert (np.bincount(order[: classes * 2**level]) == 2**level).all()


@given(pixel_counts, seeds)
def test_pixel_counts_in_other_units_give_the_same_order(pixels, seed):
    # 64 bits are enough: nothing overflows where the counts are a thousandfold
    assert nested_order(pixels * 1024, seed) == nested_order(pixels, seed)
