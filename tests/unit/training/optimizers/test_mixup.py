"""Two images in one, with the parts that they really have in it."""

import numpy as np
import pytest
import torch

from searchctl.trainer.losses.build import build_loss
from searchctl.trainer.optim.mixup import Mixup, mix
from searchctl.trainer.settings.training import TrainSettings

BATCH, SIDE = 6, (20, 30)


@pytest.fixture
def images():
    """Each image has one value of its own, so that a pixel identifies its image."""
    return (torch.arange(BATCH, dtype=torch.uint8) * 40).view(-1, 1, 1, 1).expand(-1, 3, *SIDE)


@pytest.fixture
def labels():
    return torch.arange(BATCH, dtype=torch.uint8).view(-1, 1, 1)


def mixed(images, labels, seed=0, **alphas):
    return mix(images, labels, np.random.default_rng(seed), **{"mixup": 0, "cutmix": 0} | alphas)


def by_batches(images, labels, epochs=20, seed=7, **alphas):
    mixing = Mixup(TrainSettings(**alphas), seed=seed, images=len(images))
    return [mixing(images, labels, epoch=epoch, batch=1) for epoch in range(1, epochs + 1)]


@pytest.mark.parametrize("seed", range(5))
def test_mixup_blends_pixels_and_labels_by_the_same_share(images, labels, seed):
    blended, ((share, first), (rest, second)) = mixed(images, labels, seed, mixup=1.0)
    assert share + rest == 1
    assert first.equal(labels)
    values = (share * first + rest * second) * 40  # a pixel is 40 times its image's label
    expected = values.float().unsqueeze(1).expand_as(blended)
    torch.testing.assert_close(blended, expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize("seed", range(20))
def test_cutmix_weighs_labels_by_the_pixels_that_each_image_really_has(images, labels, seed):
    pasted, ((share, first), (rest, second)) = mixed(images, labels, seed, cutmix=1.0)
    assert pasted.dtype == torch.uint8
    for image, own, other in zip(pasted, first, second, strict=True):
        kept = (image == own * 40).float().mean().item()
        assert kept == pytest.approx(1 if own == other else share)
    assert share + rest == 1


def test_what_cutmix_pastes_is_one_rectangle_in_its_place():
    images = torch.randint(0, 256, (BATCH, 3, *SIDE), dtype=torch.uint8)
    labels = torch.zeros(BATCH, 1, 1, dtype=torch.uint8)
    rng = np.random.default_rng(1)
    others = images[np.random.default_rng(1).permutation(BATCH)]
    pasted, ((share, _), _) = mix(images, labels, rng, mixup=0, cutmix=1.0)
    changed = (pasted != images).any(dim=(0, 1)).nonzero()
    (top, left), (bottom, right) = changed.amin(0).tolist(), changed.amax(0).tolist()
    box = (..., slice(top, bottom + 1), slice(left, right + 1))
    assert pasted[box].equal(others[box])
    assert share == pytest.approx(1 - (bottom + 1 - top) * (right + 1 - left) / (20 * 30))


def test_shares_of_mixup_are_drawn_from_beta_of_alpha(images, labels):
    def shares(alpha):
        seeds = range(400)
        return np.array([mixed(images, labels, seed, mixup=alpha)[1][0][0] for seed in seeds])

    assert shares(1.0).std() == pytest.approx(np.sqrt(1 / 12), abs=0.02)  # uniform
    assert shares(0.1).std() == pytest.approx(np.sqrt(0.25 / 1.2), abs=0.03)


def test_with_both_on_half_of_the_batches_have_each(images, labels):
    found = by_batches(images, labels, epochs=200, mixup=0.1, cutmix=0.1)
    blended = sum(each.dtype == torch.float32 for each, _ in found)
    assert 75 < blended < 125


def test_one_that_is_on_alone_is_taken_always(images, labels):
    assert {each.dtype for each, _ in by_batches(images, labels, mixup=0.1)} == {torch.float32}
    assert {each.dtype for each, _ in by_batches(images, labels, cutmix=0.1)} == {torch.uint8}


def test_without_either_a_batch_stays_as_it_is(images, labels):
    for each, shares in by_batches(images, labels):
        assert each is images
        assert shares == [(1.0, labels)]


def test_what_is_mixed_depends_on_seed_images_epoch_and_batch_alone(images, labels):
    def drawn(*, seed=7, count=20, epoch=1, batch=1):
        mixing = Mixup(TrainSettings(mixup=1.0), seed=seed, images=count)
        return mixing(images, labels, epoch=epoch, batch=batch)[1][0][0]

    places = [{}, {"seed": 8}, {"count": 21}, {"epoch": 2}, {"batch": 2}]
    assert [drawn(**place) for place in places] == [drawn(**place) for place in places]
    assert len({drawn(**place) for place in places}) == len(places)


def test_the_loss_of_a_mixture_is_that_of_mixed_one_hot_labels(images, labels):
    _, shares = mixed(images, labels, mixup=1.0)
    loss = build_loss(
        TrainSettings(label_smoothing=0.1), ignore_index=255, pixel_counts=torch.ones(BATCH)
    )
    logits = torch.randn(BATCH, BATCH, 1, 1)
    total = sum(share * loss(logits, each) for share, each in shares)
    one_hot = sum(
        share * torch.nn.functional.one_hot(each.flatten().long(), BATCH) for share, each in shares
    )
    expected = torch.nn.functional.cross_entropy(logits[..., 0, 0], 0.9 * one_hot + 0.1 / BATCH)
    torch.testing.assert_close(total, expected)
