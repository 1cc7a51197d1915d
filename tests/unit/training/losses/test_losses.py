import math

import pytest
import torch
import torch.nn.functional as F

from searchctl.trainer.losses.base import count_pixels
from searchctl.trainer.losses.build import build_loss
from searchctl.trainer.losses.class_weights import KINDS, class_weights
from searchctl.trainer.settings.training import TrainSettings

IGNORE = 255


def make(name, pixel_counts=((1, 1, 1),), **settings):
    return build_loss(
        TrainSettings(loss=name, **settings),
        ignore_index=IGNORE,
        pixel_counts=torch.tensor(pixel_counts),
    )


def two_pixels(first, second):
    """Logits [1, 3, 1, 2] whose softmax is the two given distributions."""
    return torch.tensor([first, second]).log().T.view(1, 3, 1, 2)


def labels(*values):
    return torch.tensor(values, dtype=torch.uint8).view(1, 1, -1)


def random_batch():
    torch.manual_seed(0)
    target = torch.randint(0, 4, (2, 6, 7), dtype=torch.uint8)
    return torch.randn(2, 5, 6, 7), target.masked_fill(target == 3, IGNORE)


@pytest.mark.parametrize("label_smoothing", [0.0, 0.1, 0.7])
def test_cross_entropy_is_torchs_over_the_valid_pixels(label_smoothing):
    logits, target = random_batch()
    loss = make("cross_entropy", label_smoothing=label_smoothing)
    expected = F.cross_entropy(
        logits, target.long(), ignore_index=IGNORE, label_smoothing=label_smoothing
    )
    torch.testing.assert_close(loss(logits, target), expected)


@pytest.mark.parametrize("label_smoothing", [0.0, 0.1, 0.7])
@pytest.mark.parametrize("kind", KINDS)
def test_weighted_cross_entropy_is_torchs_with_the_weights_of_the_sample(kind, label_smoothing):
    logits, target = random_batch()
    counts = ((10, 20, 0, 5, 0), (0, 7, 9, 5, 2))
    settings = {"class_weights": kind, "label_smoothing": label_smoothing}
    loss = make("weighted_cross_entropy", counts, **settings)
    assert torch.equal(loss.weights, class_weights(kind, torch.tensor(counts)))
    expected = F.cross_entropy(
        logits,
        target.long(),
        loss.weights,
        ignore_index=IGNORE,
        label_smoothing=label_smoothing,
    )
    torch.testing.assert_close(loss(logits, target), expected)


def test_class_weights_that_are_left_out_are_those_of_the_median_frequency():
    counts = ((10, 20, 5), (0, 7, 9))
    left_out = make("weighted_cross_entropy", counts)
    median = make("weighted_cross_entropy", counts, class_weights="median_frequency")
    assert torch.equal(left_out.weights, median.weights)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        # class 0: p.t = 0.6, sum p = 0.8; class 1: p.t = 0.5, sum p = 0.8; class 2 is absent
        ("dice", ((1 - 2 * 0.6 / 1.8) + (1 - 2 * 0.5 / 1.8)) / 2),
        ("jaccard", ((1 - 0.6 / 1.2) + (1 - 0.5 / 1.3)) / 2),
        # false positives of class 0: 0.2, false negatives: 0.4; of class 1: 0.3 and 0.5
        ("tversky", ((1 - 0.6 / (0.6 + 0.06 + 0.28)) + (1 - 0.5 / (0.5 + 0.09 + 0.35))) / 2),
        ("focal", -(0.4**2 * math.log(0.6) + 0.5**2 * math.log(0.5)) / 2),
    ],
)
def test_loss_of_two_pixels_is_the_one_computed_by_hand(name, expected):
    logits = two_pixels([0.6, 0.3, 0.1], [0.2, 0.5, 0.3])
    assert make(name)(logits, labels(0, 1)).item() == pytest.approx(expected, abs=1e-6)


def test_tversky_loss_with_alpha_one_half_is_dice():
    logits, target = random_batch()
    half = make("tversky", tversky_alpha=0.5)
    torch.testing.assert_close(half(logits, target), make("dice")(logits, target))


@pytest.mark.parametrize("name", ["dice", "jaccard"])
def test_a_class_absent_from_the_batch_leaves_the_overlap_loss_alone(name):
    logits = torch.full((1, 3, 1, 2), -50.0)
    logits[0, 0] = 50.0
    wider = torch.cat([logits, torch.full((1, 4, 1, 2), -50.0)], dim=1)
    target = labels(0, 1)
    torch.testing.assert_close(make(name)(logits, target), make(name)(wider, target))


def test_focal_loss_with_gamma_zero_is_cross_entropy_with_its_gradient():
    gradients = []
    for loss in (make("focal", focal_gamma=0.0), make("cross_entropy")):
        logits, target = random_batch()
        loss(logits.requires_grad_(), target).backward()
        gradients.append(logits.grad)
    torch.testing.assert_close(*gradients)


@pytest.mark.parametrize("gamma", [1.0, 1.5, 2.0, 5.0])
def test_focal_gradient_is_finite_where_the_network_is_certain(gamma):
    logits = torch.tensor([[200.0, 0.0, 0.0]]).view(1, 3, 1, 1).requires_grad_()
    make("focal", focal_gamma=gamma)(logits, labels(0)).backward()
    assert logits.grad.isfinite().all()


def test_focal_alpha_is_a_factor():
    logits, target = random_batch()
    focal = make("focal")(logits, target)
    torch.testing.assert_close(make("focal", focal_alpha=0.2)(logits, target), 0.2 * focal)


def lovasz_of_sets(errors, is_class):
    """The Lovász extension by its definition: set by set, in Python's numbers."""

    def jaccard_loss(mispredicted):
        missed = sum(is_class[pixel] for pixel in mispredicted)
        union = sum(is_class) + len(mispredicted) - missed
        return 1 - (sum(is_class) - missed) / union

    order = sorted(range(len(errors)), key=lambda pixel: -errors[pixel])
    losses = [0, *(jaccard_loss(order[: n + 1]) for n in range(len(order)))]
    return sum(errors[p] * (losses[n + 1] - losses[n]) for n, p in enumerate(order))


def test_lovasz_loss_is_the_extension_of_the_jaccard_loss_of_each_class_in_the_batch():
    logits, target = random_batch()
    valid = target != IGNORE
    probabilities = logits.double().softmax(dim=1).movedim(1, -1)[valid]
    expected = []
    for number in target[valid].unique().tolist():
        is_class = (target[valid] == number).tolist()
        found = probabilities[:, number].tolist()
        errors = [abs(c - p) for c, p in zip(is_class, found, strict=True)]
        expected.append(lovasz_of_sets(errors, is_class))
    found = make("lovasz")(logits, target).item()
    assert found == pytest.approx(sum(expected) / len(expected), rel=1e-5)


def test_lovasz_loss_of_a_certain_prediction_is_one_minus_its_iou():
    predicted, target = labels(0, 0, 1, 2), labels(0, 1, 1, 1)
    logits = 100 * F.one_hot(predicted.long(), 3).movedim(-1, 1).float()
    # IoU of class 0: 1 / 2; of class 1: 1 / 3; class 2 is absent
    assert make("lovasz")(logits, target).item() == pytest.approx((1 / 2 + 2 / 3) / 2, rel=1e-6)


@pytest.mark.parametrize(("threshold", "share"), [(0.7, 0.1), (0.1, 0.5), (0.3, 0.25), (0.01, 1)])
def test_ohem_is_the_mean_of_the_hard_pixels_or_of_the_share_with_the_highest_loss(
    threshold, share
):
    logits, target = random_batch()
    loss = make("ohem", ohem_threshold=threshold, ohem_min_kept=share)
    valid = target != IGNORE
    pixels = F.cross_entropy(logits, target.long(), ignore_index=IGNORE, reduction="none")[valid]
    hard = pixels[(-pixels).exp() < threshold]
    least = math.ceil(share * len(pixels))
    if len(hard) >= least:
        torch.testing.assert_close(loss(logits, target), hard.mean())
    else:
        low, high = (pixels.topk(n).values.mean() for n in (least, max(least - 1, 1)))
        assert low <= loss(logits, target) <= high


@pytest.mark.parametrize("name", ["lovasz", "ohem"])
def test_a_loss_of_ranked_pixels_is_that_of_the_whole_batch_in_every_process(name):
    logits, target = random_batch()
    sent = [[], []]
    for rank in (0, 1):  # what each process, which has one image, gives to the other
        loss = make(name)
        loss.gather = lambda own, rank=rank: (sent[rank].append(own), own)[1]
        loss(logits[rank : rank + 1], target[rank : rank + 1])
    together = iter([torch.cat(pair) for pair in zip(*sent, strict=True)])
    loss.gather = lambda own: next(together)
    whole = make(name)(logits, target)
    torch.testing.assert_close(loss(logits[1:], target[1:]), whole)
    twice = make(name)(logits.repeat(2, 1, 1, 1), target.repeat(2, 1, 1))
    torch.testing.assert_close(twice, whole)


def test_a_sum_is_that_of_its_losses_times_their_weights_each_with_its_own_options():
    logits, target = random_batch()
    summed = make({"focal": 2, "tversky": 0.5, "dice": 0}, focal_gamma=3.0, tversky_alpha=0.6)
    focal, tversky = make("focal", focal_gamma=3.0), make("tversky", tversky_alpha=0.6)
    expected = 2 * focal(logits, target) + 0.5 * tversky(logits, target)
    torch.testing.assert_close(summed(logits, target), expected)


def test_a_sum_of_one_loss_has_its_bits():
    logits, target = random_batch()
    assert torch.equal(make({"dice": 1})(logits, target), make("dice")(logits, target))


def test_the_losses_of_a_sum_are_those_of_all_processes():
    logits, target = random_batch()
    summed = make({"dice": 1})
    summed.total = lambda own: 2 * own  # the other process has the same images
    twice = make("dice")(logits.repeat(2, 1, 1, 1), target.repeat(2, 1, 1))
    torch.testing.assert_close(summed(logits, target), twice)


def test_pixels_are_counted_by_image_and_class_without_the_ignored_ones():
    target = torch.tensor([[[0, 0, 2]], [[1, IGNORE, 2]]], dtype=torch.uint8)
    assert count_pixels(target, 3).tolist() == [[2, 0, 1], [0, 1, 1]]
