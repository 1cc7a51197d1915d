import numpy as np
import pytest
import torch
from sklearn.metrics import confusion_matrix, jaccard_score, recall_score

from searchctl.trainer.core.errors import DataError
from searchctl.trainer.core.results import score_of
from searchctl.trainer.evaluation.metrics import (
    confusion_per_image,
    outcomes_per_image,
    pooled_evaluation,
)
from searchctl.trainer.scores.catalog import higher_is_better, is_better

IGNORE = 255
CLASSES = 6


@pytest.fixture
def batch():
    """Predictions and labels of three images; class 5 is predicted but nowhere true."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.randint(0, 5, (3, 20, 30), generator=generator, dtype=torch.uint8)
    labels[torch.rand(labels.shape, generator=generator) < 0.2] = IGNORE
    predictions = torch.randint(0, CLASSES, (3, 20, 30), generator=generator)
    wrong = torch.rand(labels.shape, generator=generator) < 0.5
    return predictions.where(wrong, labels % 5), labels


def valid(predictions, labels):
    return labels[labels != IGNORE].numpy(), predictions[labels != IGNORE].numpy()


def test_confusion_of_each_image_is_scikit_learns(batch):
    confusions = confusion_per_image(*batch, CLASSES, IGNORE)
    for image, confusion in enumerate(confusions):
        true, predicted = valid(batch[0][image], batch[1][image])
        expected = confusion_matrix(true, predicted, labels=range(CLASSES))
        assert np.array_equal(confusion.numpy(), expected)


def test_pooled_scores_are_scikit_learns_over_the_classes_of_the_ground_truth(batch):
    confusion = confusion_per_image(*batch, CLASSES, IGNORE).sum(dim=0).numpy()
    evaluation = pooled_evaluation(confusion, loss_sum=confusion.sum() * 0.25)
    true, predicted = valid(*batch)
    iou = jaccard_score(true, predicted, labels=range(5), average=None)
    recall = recall_score(true, predicted, labels=range(5), average=None)
    assert evaluation.class_iou == (*map(pytest.approx, iou), None)
    assert evaluation.class_accuracy == (*map(pytest.approx, recall), None)
    assert evaluation.miou == pytest.approx(iou.mean())
    assert evaluation.mean_accuracy == pytest.approx(recall.mean())
    assert evaluation.overall_accuracy == pytest.approx((true == predicted).mean())
    assert evaluation.loss == 0.25


def test_outcomes_are_hits_false_alarms_and_misses():
    confusion = torch.tensor([[[5, 2], [1, 7]]])
    assert outcomes_per_image(confusion).tolist() == [[[5, 1, 2], [7, 2, 1]]]


def test_a_class_never_found_scores_zero_and_a_class_not_there_scores_nothing():
    evaluation = pooled_evaluation(np.array([[4, 0, 0], [4, 0, 0], [0, 0, 0]]), 1.0)
    assert evaluation.class_iou == (0.5, 0.0, None)
    assert evaluation.miou == 0.25


def test_a_split_without_a_label_is_an_error_of_the_data():
    with pytest.raises(DataError, match="ignore_index"):
        pooled_evaluation(np.zeros((3, 3), dtype=np.int64), 0.0)


@pytest.mark.parametrize(
    ("score", "candidate", "best", "expected"),
    [
        ("val_miou", 0.5, 0.4, True),
        ("val_miou", 0.4, 0.4, False),
        ("val_miou", 0.3, 0.4, False),
        ("val_accuracy", 0.5, 0.4, True),
        ("val_accuracy", 0.4, 0.4, False),
        ("val_loss", 0.3, 0.4, True),
        ("val_loss", 0.4, 0.4, False),
        ("val_loss", 0.5, 0.4, False),
    ],
)
def test_better_means_strictly_better_in_the_scores_direction(score, candidate, best, expected):
    assert is_better(candidate, best, higher_is_better(score)) is expected


def test_score_is_the_number_that_its_name_says():
    evaluation = pooled_evaluation(np.array([[3, 1], [0, 4]]), loss_sum=4.0)
    assert score_of(evaluation, "val_miou") == evaluation.miou == pytest.approx((3 / 4 + 4 / 5) / 2)
    assert score_of(evaluation, "val_loss") == evaluation.loss == 0.5
    assert score_of(evaluation, "val_accuracy") == evaluation.overall_accuracy == 7 / 8
