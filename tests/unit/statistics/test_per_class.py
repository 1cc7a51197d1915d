import numpy as np
import pytest

from searchctl.orchestrator.statistics.per_class import class_iou, compare_classes
from tests.images.image_counts import confusions, counted


def test_the_iou_of_each_class_is_that_of_the_score():
    counts, evaluation = counted(confusions(0.7))
    assert class_iou(counts).tolist() == pytest.approx(list(evaluation.class_iou))


def test_classes_come_with_their_share_and_both_networks_iou():
    (mine, good), (other, bad) = (counted(confusions(skill)) for skill in (0.8, 0.6))
    pairs = compare_classes(mine, other)
    assert [pair.class_id for pair in pairs] == [0, 1, 2, 3]
    assert sum(pair.share for pair in pairs) == pytest.approx(1)
    assert [pair.iou for pair in pairs] == pytest.approx(list(good.class_iou))
    assert [pair.other_iou for pair in pairs] == pytest.approx(list(bad.class_iou))


def test_a_class_below_a_quarter_of_an_equal_share_is_rare():
    counts, _ = counted(confusions(0.8, rare=0.02))
    assert [pair.rare for pair in compare_classes(counts, counts)] == [False, False, False, True]
    counts, _ = counted(confusions(0.8, rare=0.2))
    assert not any(pair.rare for pair in compare_classes(counts, counts))


def test_a_class_that_the_labels_lack_is_left_out():
    confusion = np.zeros((1, 3, 3), dtype=np.int64)
    confusion[0, 0] = [5, 0, 2]  # the third class is predicted, and never true
    confusion[0, 1] = [0, 4, 0]
    counts, _ = counted(confusion)
    assert [pair.class_id for pair in compare_classes(counts, counts)] == [0, 1]
