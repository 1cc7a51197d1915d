"""Conditions on the number of a network's parameters."""

import pytest
from pydantic import ValidationError

from searchctl.orchestrator.config.checks.where import after_launch, network_of
from searchctl.orchestrator.config.dataset import checked_dataset
from searchctl.orchestrator.config.sweep import Sweep
from searchctl.orchestrator.core.errors import SearchctlError
from searchctl.orchestrator.run.preparation.parameter_counts import with_parameter_counts

SPACE = {"model": ["simple_fcn", "unet"], "width": [2, 4, 8, 16]}


def sweep(where, space=SPACE, **search):
    return Sweep.model_validate(
        {
            "name": "s",
            "data": {"dataset": "scenes", "image_size": [24, 32]},
            "training": {"batch_size": 2},
            "space": space,
            "search": {"where": [where], **search},
        }
    )


def counted(where, **search):
    launched = sweep(where, **search)
    return with_parameter_counts(launched, checked_dataset(launched))


def test_trials_with_too_many_parameters_are_left_out_of_a_grid_once_they_are_counted():
    assert len(sweep("parameters < 30e3").trials()) == 8
    found = counted("parameters < 30e3")
    kept = {network_of(trial) for trial in found.trials()}
    assert kept == {name for name, count in found.parameter_counts.items() if count < 30e3}
    assert 0 < len(kept) < 8


def test_draws_are_repeated_and_a_stored_sweep_has_the_same_trials():
    space = {**SPACE, "lr": {"low": 1e-4, "high": 1e-1, "log": True}}
    found = counted("parameters < 30e3", space=space, method="random", trials=6)
    assert len(found.trials()) == 6
    assert all(found.parameter_counts[network_of(trial)] < 30e3 for trial in found.trials())
    assert Sweep.from_json(found.to_json()).trials() == found.trials()


def test_later_cohorts_draw_no_network_that_the_launch_has_not_counted():
    found = counted("parameters < 30e3", method="random", trials=3)
    later = after_launch(found.prior.allowed)
    kept = {name for name, count in found.parameter_counts.items() if count < 30e3}
    assert {network_of(point) for point in found.space_.grid() if later(point)} == kept


@pytest.mark.parametrize(
    ("where", "search", "problem"),
    [
        ("parameters < 10", {}, "search.where: no trial satisfies it"),
        ("parameters < 30e3", {"known": [{"model": "unet", "width": 16}]}, "search.known.0."),
    ],
)
def test_too_few_small_networks_and_a_large_known_one_are_refused(where, search, problem):
    with pytest.raises(SearchctlError, match=problem):
        counted(where, **search)


def test_the_parameters_of_a_script_s_network_are_not_known():
    script = {"training": {"command": "train --lr {lr} --list {train_list}"}, "space": {"lr": [1]}}
    data = {"dataset": "lists", "train": "a.txt", "val": "b.txt"}
    with pytest.raises(ValidationError, match="'parameters' is no axis"):
        Sweep.model_validate(
            {"name": "s", "data": data, **script, "search": {"where": ["parameters < 10"]}}
        )
