import pytest

from searchctl.orchestrator.planning.probing.speed_classes import speed_classes


def classes_of(sweep_of, space, training="{}"):
    sweep = sweep_of(f"name: s\ndata: {{dataset: scenes}}\ntraining: {training}\nspace: {space}\n")
    return speed_classes(sweep)


def test_trials_that_differ_in_what_costs_no_time_are_one_class(sweep_of):
    (only,) = classes_of(sweep_of, "{lr: [0.1, 0.2], weight_decay: [0, 0.1], epochs: [2, 9]}")
    assert only.params == {}
    assert only.trials == tuple(range(8))


@pytest.mark.parametrize(
    "axis", ["model: [unet, simple_fcn]", "width: [4, 8]", "batch_size: [2, 4]", "ema: [null, 0.9]"]
)
def test_what_costs_time_makes_a_class_of_its_own(sweep_of, axis):
    first, second = classes_of(sweep_of, f"{{{axis}, lr: [0.1, 0.2]}}")
    assert first.trials == (0, 1)
    assert second.trials == (2, 3)
    assert set(first.params) == {axis.partition(":")[0]}


def test_of_a_rate_only_whether_it_is_on_counts(sweep_of):
    off, on = classes_of(sweep_of, "{dropout: [0, 0.1, 0.2]}")
    assert (off.trials, on.trials) == ((0,), (1, 2))
    assert on.settings.dropout == 0.1


def test_a_setting_that_all_classes_share_names_none_of_them(sweep_of):
    first, _ = classes_of(sweep_of, "{width: [4, 8], batch_size: [2]}")
    assert first.params == {"width": 4}


def test_every_trial_is_in_one_class(sweep_of):
    classes = classes_of(sweep_of, "{width: [4, 8, 16], lr: [0.1, 0.2], loss: [dice, focal]}")
    assert sorted(trial for each in classes for trial in each.trials) == list(range(12))
