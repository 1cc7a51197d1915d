"""An axis with another range in each branch of a condition."""

import json

import pytest

from searchctl.orchestrator.draws.distributions import distributions
from searchctl.searchspace import Space, SpaceError

LR = [
    {"low": 1e-4, "high": 1e-2, "log": True, "when": {"optimizer": "adamw"}},
    {"low": 1e-2, "high": 1.0, "log": True, "when": {"optimizer": "sgd"}},
]
BY_BRANCH = {"optimizer": ["adamw", "sgd", "adam"], "lr": LR}
LISTED = {
    "optimizer": ["adamw", "sgd", "adam"],
    "lr": [
        {"values": [1, 2], "when": {"optimizer": "adamw"}},
        {"values": [2, 3, 4], "when": {"optimizer": ["sgd"]}},
    ],
    "momentum": {"values": [0, 0.9], "when": {"lr": [4]}},
}


def test_every_trial_has_a_value_of_the_range_of_its_branch():
    space = Space.from_config(BY_BRANCH)
    points = space.sample(60, seed=0, method="quasi_random")
    for point in points:
        low, high = {"adamw": (1e-4, 1e-2), "sgd": (1e-2, 1)}.get(point["optimizer"], (0, 0))
        assert "lr" not in point if point["optimizer"] == "adam" else low <= point["lr"] <= high
        assert space.contains(point)
    assert {point["optimizer"] for point in points} == {"adamw", "sgd", "adam"}
    assert not space.contains({"optimizer": "sgd", "lr": 1e-3})
    assert [space.axes["lr"].contains(value) for value in (1e-3, 0.5, 2)] == [True, True, False]


def test_a_grid_lists_the_values_of_each_branch_and_conditions_may_name_such_an_axis():
    space = Space.from_config(LISTED)
    rows = [(p["optimizer"], p.get("lr"), p.get("momentum")) for p in space.grid()]
    assert sorted(rows, key=str) == sorted(
        [
            *[("adamw", 1, None), ("adamw", 2, None), ("adam", None, None)],
            *[("sgd", 2, None), ("sgd", 3, None), ("sgd", 4, 0), ("sgd", 4, 0.9)],
        ],
        key=str,
    )
    assert space.size == len(rows)
    assert all(space.contains(point) for point in space.grid())


@pytest.mark.parametrize("config", [BY_BRANCH, LISTED])
def test_branches_are_stored_and_read_back(config):
    stored = json.loads(json.dumps(Space.from_config(config).to_config()))
    assert Space.from_config(stored).to_config() == Space.from_config(config).to_config()
    assert Space.from_config(stored).sample(9, 1) == Space.from_config(config).sample(9, 1)


def test_optuna_has_one_distribution_of_all_branches():
    found = distributions(Space.from_config(BY_BRANCH))["lr"]
    assert (found.low, found.high, found.log) == (1e-4, 1, True)
    assert distributions(Space.from_config(LISTED))["lr"].choices == (1, 2, 3, 4)


@pytest.mark.parametrize(
    ("ranges", "path", "message"),
    [
        ([LR[0], {**LR[1], "when": {"optimizer": ["sgd", "adamw"]}}], (1, "when"), "together with"),
        ([LR[0], {**LR[1], "when": {"loss": "dice"}}], (1, "when"), "together with another range"),
        ([LR[0], {"low": 1, "high": 2}], (1,), "'when' is missing: say which range applies"),
        ([LR[0], {**LR[1], "lgo": True}], (1, "lgo"), "unknown key 'lgo'"),
        ([LR[0], {**LR[1], "low": 2.0}], (1,), "'low' must be below 'high'"),
        ([LR[0], {"values": [1], "when": {"optimizer": "sgd"}}], (), "mixes ranges and lists"),
        ([LR[0], {**LR[1], "when": {"optimizer": "sdg"}}], (1, "when", "optimizer"), "never 'sdg'"),
    ],
)
def test_ranges_that_are_wrong_or_apply_together_are_refused(ranges, path, message):
    with pytest.raises(SpaceError) as caught:
        Space.from_config({**BY_BRANCH, "lr": ranges}, defaults={"loss": "dice"})
    assert message in dict(caught.value.problems)[("lr", *path)]


def test_the_schema_checks_both_ends_of_each_branch(refused):
    (line,) = refused(
        "name: s\ndata: {dataset: scenes}\nsearch: {method: random, trials: 4}\nspace:\n"
        "  optimizer: [adamw, sgd]\n  lr:\n    - {low: 0.1, high: 1.0, when: {optimizer: adamw}}\n"
        "    - {low: -1.0, high: 1.0, when: {optimizer: sgd}}\n"
    )
    assert line.startswith("sweep.yaml:8 space.lr[1].low: must be above 0")
