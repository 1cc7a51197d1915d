import pytest

from searchctl.orchestrator.statistics.drift import (
    REGULARISERS,
    drifts,
    misjudged,
    searched,
    typical,
)
from searchctl.trainer.settings.training import TrainSettings

N = 12
DECAYS = {trial: {"weight_decay": trial / 100} for trial in range(N)}
MORE_IS_BETTER = {trial: float(trial) for trial in range(N)}
LESS_IS_BETTER = {trial: -float(trial) for trial in range(N)}


def test_values_that_gain_with_the_data_have_a_positive_tau():
    (found,) = drifts(DECAYS, [LESS_IS_BETTER, MORE_IS_BETTER])
    assert (found.name, found.lower, found.upper, found.n) == ("weight_decay", 0, 1, N)
    assert found.tau == pytest.approx(1)
    assert found.p < 0.001


def test_the_same_order_is_no_drift_whatever_it_is():
    (found,) = drifts(DECAYS, [MORE_IS_BETTER, MORE_IS_BETTER])
    assert (found.tau, found.p) == (None, 1.0)


def test_the_drift_of_a_name_is_the_rise_of_its_trials():
    params = {trial: {"model": "unet" if trial % 2 else "fcn"} for trial in range(N)}
    flat = {trial: float(trial % 6) for trial in range(N)}
    ahead = {trial: float(trial % 2 * 10) + trial / 100 for trial in range(N)}
    (found,) = drifts(params, [flat, ahead])
    assert found.tau is None
    assert found.rose["unet"] == -found.rose["fcn"] > 0


@pytest.mark.parametrize("values", [(True, False), ("a", "b")])
def test_truth_values_are_names_not_numbers(values):
    params = {trial: {"amsgrad": values[trial % 2]} for trial in range(N)}
    (found,) = drifts(params, [MORE_IS_BETTER, LESS_IS_BETTER])
    assert set(found.rose) == set(map(str, values))


def test_only_trials_that_ran_both_and_have_the_hyperparameter_count():
    params = {trial: {"width": trial} if trial < 8 else {"other": 1} for trial in range(N)}
    upper = {trial: float(-trial) for trial in range(2, N)}
    (found,) = drifts(params, [MORE_IS_BETTER, upper])
    assert (found.name, found.n) == ("width", 6)


@pytest.mark.parametrize(("n", "reported", "tested"), [(3, 0, 0), (4, 1, 0), (7, 1, 0), (8, 1, 1)])
def test_a_direction_needs_four_trials_and_a_p_eight(n, reported, tested):
    upper = {trial: -float(trial) for trial in range(n)}
    found = drifts(DECAYS, [MORE_IS_BETTER, upper])
    assert len(found) == reported
    assert sum(each.p is not None for each in found) == tested


def test_the_p_s_are_corrected_for_all_that_are_shown():
    both = {trial: {"lr": trial, "weight_decay": trial} for trial in range(N)}
    one, two = (
        drifts(DECAYS, [LESS_IS_BETTER, MORE_IS_BETTER]),
        drifts(both, [LESS_IS_BETTER, MORE_IS_BETTER]),
    )
    assert two[0].p == pytest.approx(2 * one[0].p)


def test_the_lowest_rung_is_compared_with_every_other_and_each_other_one_with_the_next():
    found = drifts(DECAYS, [MORE_IS_BETTER, MORE_IS_BETTER, LESS_IS_BETTER])
    assert [(each.lower, each.upper) for each in found] == [(0, 1), (1, 2), (0, 2)]
    assert [round(each.below) for each in found] == [1, 1, 1]
    assert [round(each.above) for each in found] == [1, -1, -1]


def test_a_number_that_the_lowest_rung_ranked_otherwise_was_misjudged():
    rungs = [MORE_IS_BETTER, LESS_IS_BETTER, LESS_IS_BETTER]
    (found,) = misjudged(drifts(DECAYS, rungs))
    assert (found.lower, round(found.below), round(found.above)) == (0, 1, -1)
    assert misjudged(drifts(DECAYS, [MORE_IS_BETTER, MORE_IS_BETTER, LESS_IS_BETTER]))
    assert misjudged(drifts(DECAYS, [MORE_IS_BETTER] * 3)) == []
    few = {trial: score for trial, score in LESS_IS_BETTER.items() if trial < 7}
    assert misjudged(drifts(DECAYS, [MORE_IS_BETTER, few])) == []  # no p value


def test_every_regulariser_is_a_setting():
    assert set(REGULARISERS) <= TrainSettings.model_fields.keys()


def test_what_does_not_vary_is_not_searched():
    assert searched({0: {"lr": 0.1, "loss": "dice"}, 1: {"lr": 0.2, "loss": "dice"}}) == ["lr"]


def test_what_trials_mostly_have_is_the_median_of_numbers_and_the_most_frequent_of_names():
    params = {0: {"lr": 1, "m": "a"}, 1: {"lr": 2, "m": "b"}, 2: {"lr": 9, "m": "b"}, 3: {}}
    assert typical("lr", params, [0, 1, 2], {"lr"}).value == 2
    found = typical("m", params, [0, 1, 2], {"lr"})
    assert (found.value, found.share) == ("b", pytest.approx(2 / 3))
    assert typical("lr", params, [3], {"lr"}) is None
