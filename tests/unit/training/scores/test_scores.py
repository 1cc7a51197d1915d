import numpy as np
import pytest
import torch
from sklearn import metrics

from searchctl.orchestrator.statistics.paired_bootstrap import GroupBootstrap
from searchctl.trainer.core.errors import DataError
from searchctl.trainer.core.results import ImageCounts, score_of
from searchctl.trainer.evaluation.metrics import (
    confusion_per_image,
    outcomes_per_image,
    pooled_evaluation,
)
from searchctl.trainer.scores.build import build_score
from searchctl.trainer.scores.catalog import SCORES, higher_is_better, name_problem, title

CLASSES = ("sky", "road", "car", "person", "bus")
IGNORED = 255
IMAGES = 12


def pixels(seed=0):
    """Labels and predictions [images, 6, 7]. No label holds a bus; persons are in one image."""
    rng = np.random.default_rng(seed)
    labels = rng.choice([0, 1, 2, IGNORED], (IMAGES, 6, 7), p=[0.5, 0.3, 0.1, 0.1])
    labels[3, :2] = 3
    right = rng.random(labels.shape) < 0.6
    return labels, np.where(right & (labels != IGNORED), labels, rng.integers(0, 5, labels.shape))


LABELS, PREDICTIONS = pixels()
LOSSES = np.random.default_rng(1).random(LABELS.shape) * (LABELS != IGNORED)


def confusions(labels=LABELS, predictions=PREDICTIONS):
    both = torch.from_numpy(predictions), torch.from_numpy(labels)
    return confusion_per_image(*both, len(CLASSES), IGNORED)


def counts():
    found = outcomes_per_image(confusions()).numpy()
    valid = (LABELS != IGNORED).sum(axis=(1, 2))
    return ImageCounts(found.astype(np.uint32), LOSSES.sum(axis=(1, 2)), valid)


def by_sklearn(score, images, chosen=(0, 1, 2, 3)):
    """The score of images, with repetition, from their pixels."""
    truth, predicted = LABELS[images].ravel(), PREDICTIONS[images].ravel()
    valid = truth != IGNORED
    truth, predicted = truth[valid], predicted[valid]
    options = {"labels": list(chosen), "zero_division": 0}
    iou = metrics.jaccard_score(truth, predicted, average=None, **options)
    return {
        "val_miou": lambda: iou.mean(),
        "val_dice": lambda: metrics.f1_score(truth, predicted, average="macro", **options),
        "val_class_accuracy": lambda: metrics.recall_score(
            truth, predicted, average="macro", **options
        ),
        "val_worst_iou": lambda: iou.min(),
        "val_fwiou": lambda: metrics.jaccard_score(truth, predicted, average="weighted", **options),
        "val_accuracy": lambda: metrics.accuracy_score(truth, predicted),
        "val_loss": lambda: LOSSES[images].sum() / valid.sum(),
    }[score]()


@pytest.mark.parametrize("score", SCORES)
def test_a_score_is_that_of_scikit_learn_over_the_classes_of_the_labels(score):
    expected = by_sklearn(score, np.arange(IMAGES))
    assert build_score(score, CLASSES).of(counts()) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("score", SCORES)
def test_a_draw_of_the_bootstrap_is_scored_like_its_images(score):
    groups = [f"clip {image % 11}" for image in range(IMAGES)]
    bootstrap = GroupBootstrap(groups, draws=30, seed=5)
    found = bootstrap.resample(counts(), build_score(score, CLASSES))
    sign = 1 if higher_is_better(score) else -1
    order = np.unique(groups, return_inverse=True)[1]
    for times, value in zip(bootstrap._times, found.draws, strict=True):
        images = np.repeat(np.arange(IMAGES), times[order])
        assert sign * value == pytest.approx(by_sklearn(score, images))


@pytest.mark.parametrize("name", ["val_miou", "val_dice", "val_class_accuracy", "val_worst_iou"])
def test_chosen_classes_are_averaged_alone(name):
    score = build_score(f"{name}:car+sky", CLASSES)
    expected = by_sklearn(name, np.arange(IMAGES), chosen=(2, 0))
    assert score.of(counts()) == pytest.approx(expected)


@pytest.mark.parametrize("score", ["val_miou", "val_loss", "val_accuracy"])
def test_the_scores_of_an_evaluation_are_the_same_to_the_last_bit(score):
    for seed in range(20):
        labels, predictions = pixels(seed)
        each = confusions(labels, predictions)
        losses = np.random.default_rng(seed).random(IMAGES) * 1e3
        evaluation = pooled_evaluation(each.sum(dim=0).numpy(), float(losses.sum()))
        found = outcomes_per_image(each).numpy().astype(np.uint32)
        images = ImageCounts(found, losses, found[:, :, [0, 2]].sum(axis=(1, 2)).astype(np.int64))
        assert build_score(score, CLASSES).of(images) == score_of(evaluation, score)


def test_a_chosen_class_that_no_label_holds_is_an_error_of_the_data():
    with pytest.raises(DataError, match="score val_dice:bus: no label holds bus"):
        build_score("val_dice:bus", CLASSES).of(counts())


@pytest.mark.parametrize(
    ("score", "problem"),
    [
        ("val_dice:car+person", ""),
        ("val_accuracy:car", "val_accuracy is no number of each class: leave :car out"),
        ("val_dice:", "'val_dice:' lacks its classes: val_dice:car+person"),
        ("val_mdice", "unknown score 'val_mdice': did you mean 'val_dice'?"),
    ],
)
def test_the_name_of_a_score_is_checked(score, problem):
    assert name_problem(score) == problem


def test_a_class_may_have_a_plus_in_its_name():
    classes = ("car", "car+person")
    assert build_score("val_dice:car+person", classes).chosen == (1,)
    assert title("val_dice:car+person") == "Dice of car+person"


def test_a_stated_direction_decides_for_an_unknown_score_alone():
    assert higher_is_better("word_errors", "min") is False
    assert higher_is_better("boundary_f1", "max") is True
    assert higher_is_better("val_loss") is False
    assert higher_is_better("val_dice:car") is True
    with pytest.raises(KeyError, match="word_errors"):
        higher_is_better("word_errors")
