"""Which classes a report follows over the epochs."""

from searchctl.orchestrator.report.chosen_classes import chosen_classes
from searchctl.orchestrator.report.trial_facts import ClassScores


def scores(*by_trial):
    return [ClassScores(trial, 2, "val", list(row)) for trial, row in enumerate(by_trial)]


def test_few_classes_are_all_followed_the_rarest_first():
    found = chosen_classes(scores([0.5, 0.1, 0.9], [0.5, 0.4, 0.9]), {0: 0.7, 1: 0.1, 2: 0.2})
    assert [(each.class_id, each.share) for each in found] == [(1, 0.1), (2, 0.2), (0, 0.7)]
    assert [round(each.spread, 3) for each in found] == [0.3, 0, 0]


def test_a_class_that_the_ground_truth_lacks_is_not_followed():
    found = chosen_classes(scores([0.5, None]), {0: 1.0, 1: 0.0})
    assert [(each.class_id, each.spread) for each in found] == [(0, None)]


def test_of_many_classes_half_are_rare_and_half_differ_between_finalists():
    first, second = [0.5] * 6, [0.5, 0.5, 0.9, 0.5, 0.6, 0.5]
    shares = dict(enumerate((0.3, 0.05, 0.3, 0.05, 0.2, 0.1)))
    found = chosen_classes(scores(first, second), shares, most=4)
    assert [each.class_id for each in found] == [1, 3, 4, 2]


def test_a_rare_class_that_differs_takes_one_place_only():
    shares = dict(enumerate((0.1, 0.2, 0.3, 0.4)))
    found = chosen_classes(scores([0.9, 0.5, 0.5, 0.6], [0.1, 0.5, 0.5, 0.5]), shares, most=2)
    assert [each.class_id for each in found] == [0, 3]


def test_without_shares_the_first_classes_replace_the_rare_ones():
    found = chosen_classes(scores([0.5] * 4, [0.5, 0.5, 0.5, 0.9]), {}, most=2)
    assert [(each.class_id, each.share) for each in found] == [(0, None), (3, None)]
