"""Scores follow from the stored counts of images, in a record and by hand."""

from dataclasses import replace

import numpy as np
import pytest

from searchctl.orchestrator.halving.job_key import JobKey
from searchctl.trainer.core.results import ImageCounts
from searchctl.trainer.evaluation.from_counts import evaluation_by_images
from tests.sweeps.records import RECORD, SUMMARY, lines, worked


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({0: (0.75, 0.25)}, "IoU of class 0 is 0.75, but 0.875"),
        ({0: (0.875, 0.5)}, "accuracy of class 0 is 0.5, but 0.25"),
        ({1: (0.5, None)}, "IoU of class 1 is 0.5, but None"),
        ({2: (None, 0.5)}, "accuracy of class 2 is 0.5, but None"),
    ],
)
def test_scores_of_each_class_follow_from_the_images(changes, line):
    scores = {**RECORD.class_scores, JobKey(1, 1): RECORD.class_scores[JobKey(1, 1)] | changes}
    found = lines(replace(RECORD, class_scores=scores))
    assert found == [f"rung 1, trial 1: {line} by its images"]


def test_rows_of_classes_that_are_gone_are_missed():
    found = lines(replace(RECORD, class_scores={**RECORD.class_scores, JobKey(1, 1): {}}))
    assert found == [
        "rung 1, trial 1: IoU of class 0 is None, but 0.875 by its images",
        "rung 1, trial 1: accuracy of class 0 is None, but 0.25 by its images",
    ]


@pytest.mark.parametrize("name", SUMMARY)
def test_the_stored_evaluation_follows_from_the_images(name):
    found = lines(worked(1, 1, evaluations={"val": SUMMARY | {name: 0.75}}))
    assert found == [f"rung 1, trial 1: val {name} is 0.75, but {SUMMARY[name]} by its images"]


def test_only_rounding_may_be_between_what_is_stored_and_what_images_come_to():
    rounded = SUMMARY | {"miou": 0.875 * (1 + 1e-12)}
    assert lines(worked(1, 1, evaluations={"val": rounded, "test": {"miou": 0.1}})) == []


# Two images of 4 and 8 valid pixels. No pixel of class 2 is in the ground truth; all of class 3
# are missed.
COUNTS = ImageCounts(
    counts=np.array(
        [
            [[1, 1, 1], [1, 0, 1], [0, 1, 0], [0, 0, 0]],
            [[3, 0, 1], [2, 1, 0], [0, 2, 0], [0, 0, 2]],
        ],
        dtype=np.uint32,
    ),
    loss_sums=np.array([2.0, 4.0]),
    pixels=np.array([4, 8]),
)


def test_scores_are_means_over_classes_in_the_ground_truth_of_pooled_counts():
    found = evaluation_by_images(COUNTS)
    assert found.class_iou == (4 / 7, 3 / 5, None, 0)
    assert found.class_accuracy == (4 / 6, 3 / 4, None, 0)
    assert found.miou == pytest.approx((4 / 7 + 3 / 5 + 0) / 3, rel=1e-15)
    assert found.mean_accuracy == pytest.approx((4 / 6 + 3 / 4 + 0) / 3, rel=1e-15)
    assert found.overall_accuracy == 7 / 12


def test_loss_is_the_mean_over_all_valid_pixels():
    assert evaluation_by_images(COUNTS).loss == 0.5


@pytest.mark.parametrize("pixels", [0, 7])
def test_images_without_a_valid_pixel_come_to_nothing(pixels):
    nothing = ImageCounts(np.zeros((1, 3, 3), np.uint32), np.zeros(1), np.array([pixels]))
    assert evaluation_by_images(nothing) is None
    assert evaluation_by_images(None) is None


def test_what_images_come_to_is_what_the_trainer_says():
    from searchctl.trainer.evaluation.metrics import pooled_evaluation

    confusions = np.random.default_rng(0).integers(0, 900, size=(40, 19, 19))
    hits = confusions.diagonal(axis1=1, axis2=2)
    outcomes = [hits, confusions.sum(axis=1) - hits, confusions.sum(axis=2) - hits]
    losses = np.random.default_rng(1).random(40) * 1e5
    counts = ImageCounts(np.stack(outcomes, axis=2), losses, confusions.sum(axis=(1, 2)))
    trained = pooled_evaluation(confusions.sum(axis=0), float(losses.sum()))
    assert vars(evaluation_by_images(counts)) == {
        name: pytest.approx(value, rel=1e-14) for name, value in vars(trained).items()
    }
