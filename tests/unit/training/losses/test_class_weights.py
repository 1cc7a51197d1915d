"""Class weights, against the formulas of their papers and scikit-learn's."""

from typing import get_args

import numpy as np
import pytest
import torch
from sklearn.utils.class_weight import compute_class_weight

from searchctl.trainer.losses.class_weights import (
    BETA,
    KINDS,
    class_weights,
    effective_number,
    inverse_frequency,
    median_frequency,
)
from searchctl.trainer.settings.training import TrainSettings

COUNTS = torch.tensor([[2, 8, 0, 0], [4, 2, 4, 0]])
"""Pixels of four classes, the last of which is nowhere, in two images."""


def test_every_kind_of_the_settings_is_here():
    assert set(get_args(TrainSettings.model_fields["class_weights"].annotation)) == set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_weights_have_mean_one_over_the_classes_that_occur(kind):
    weights = class_weights(kind, COUNTS)
    assert weights.dtype == torch.float32
    assert weights[:3].mean().item() == pytest.approx(1)
    assert weights[3] == 0


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("counts", [torch.zeros(2, 3, dtype=torch.int64), torch.zeros(0, 3).long()])
def test_a_sample_without_a_valid_pixel_gives_no_weight_and_no_infinity(kind, counts):
    assert class_weights(kind, counts).tolist() == [0, 0, 0]


@pytest.mark.parametrize("kind", KINDS)
def test_weights_of_millions_of_pixels_are_finite(kind):
    counts = torch.tensor([[2**31, 1, 0]] * 5000)
    weights = class_weights(kind, counts)
    assert weights.isfinite().all()
    assert weights[:2].gt(0).all()


def test_inverse_frequency_is_scikit_learns_balanced_weight():
    pixels = np.repeat([0, 1, 2], [6, 10, 4])
    balanced = torch.tensor(compute_class_weight("balanced", classes=np.arange(3), y=pixels))
    ours = inverse_frequency(COUNTS)[:3].double()
    torch.testing.assert_close(ours / ours.sum(), balanced / balanced.sum(), rtol=1e-6, atol=0)


def test_inverse_frequency_gives_every_class_the_same_share_of_the_sample():
    shares = COUNTS.sum(dim=0) * class_weights("inverse_frequency", COUNTS)
    torch.testing.assert_close(shares[:3], shares[:1].expand(3))


def test_frequency_of_a_class_counts_only_the_images_that_hold_it():
    # class 0: 6 / 20, class 1: 10 / 20, class 2: 4 / 10 -> median 0.4
    expected = torch.tensor([0.4 / 0.3, 0.4 / 0.5, 1.0, 0.0])
    torch.testing.assert_close(median_frequency(COUNTS), expected)


def test_median_of_an_even_number_of_classes_is_between_the_middle_two():
    weights = median_frequency(torch.tensor([[1, 3]]))
    torch.testing.assert_close(weights, torch.tensor([0.5 / 0.25, 0.5 / 0.75]))


def test_effective_number_is_of_images_not_of_pixels():
    # 1 image, 2 images, 2000 images of 2000
    counts = torch.zeros(2000, 3, dtype=torch.int64)
    counts[:1, 0], counts[:2, 1], counts[:, 2] = 10_000, 1, 1
    expected = [1, (1 - BETA) / (1 - BETA**2), (1 - BETA) / (1 - BETA**2000)]
    assert effective_number(counts).tolist() == pytest.approx(expected)


def test_effective_number_lies_between_the_inverse_of_the_images_and_equal_weights():
    counts = torch.zeros(1000, 2, dtype=torch.int64)
    counts[:10, 0], counts[:, 1] = 1, 1
    rare, common = effective_number(counts)
    assert 1 < rare / common < 100
