from pathlib import Path

import jsonschema
import pytest

from searchctl.orchestrator.config.json_schema import json_schema
from searchctl.orchestrator.config.parsing.yaml_source import load_yaml

EXAMPLES = sorted((Path(__file__).parents[4] / "examples").glob("*.yaml"))
BASE = {"name": "s", "data": {"dataset": "scenes"}, "space": {"lr": [0.1, 0.01]}}


@pytest.fixture(scope="module")
def validator():
    schema = json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_example_fits_the_schema(validator, path):
    validator.validate(load_yaml(path).value)


@pytest.mark.parametrize(
    "change",
    [
        {"space": {"lr": {"low": 1e-4, "high": 0.1, "log": True}}},
        {"space": {"width": {"values": [8, None], "when": {"model": "unet"}}}},
        {"space": {"points": [{"model": "unet", "lr": 0.1}, {}], "dropout": [0, 0.1]}},
        {"halving": {"min_fraction": "1/16"}},
        {"halving": {"fractions": ["1/4", 0.5, 1], "continue": "warm"}},
        {"training": {"validate": {"every": 2}, "channels_last": "auto"}},
        {"storage": {"url": "sqlite:///x.db", "runs": "runs"}},
        {"space": {"lr_decay": [1, "sqrt(0.1)", "0.1**0.5"]}},
        {"space": {"lr": {"low": "10**-4", "high": 0.1}, "points": [{"width": "2**3"}, {}]}},
        {"training": {"batch_size": "2**4"}},
    ],
)
def test_every_form_that_loads_fits_the_schema(validator, change):
    validator.validate({**BASE, **change})


@pytest.mark.parametrize(
    "change",
    [
        {"sede": 1},
        {"name": 1},
        {"data": {"dataset": "camvidd"}},
        {"data": {"dataset": "camvid"}},
        {"training": {"epoch": 3}},
        {"training": {"model": "unett"}},
        {"training": {"validate_": {}}},
        {"halving": {"eta": 1}},
        {"halving": {"continue_": "warm"}},
        {"halving": {"min_fraction": "half"}},
        {"halving": {"min_fraction": 2}},
        {"search": {"method": "randm"}},
        {"space": {}},
        {"space": {"lrr": [1]}},
        {"space": {"lr": 0.1}},
        {"space": {"lr": []}},
        {"space": {"lr": [-1]}},
        {"space": {"lr": ["0.1"]}},
        {"space": {"loss": ["sqrt(2)"]}},
        {"space": {"lr": {"low": 0.1}}},
        {"space": {"lr": {"low": 0.1, "hihg": 1}}},
        {"space": {"model": {"low": 1, "high": 2}}},
        {"space": {"model": ["unett"]}},
        {"space": {"points": [{"modle": "unet"}]}},
        {"space": {"points": []}},
    ],
)
def test_what_does_not_load_does_not_fit_the_schema(validator, change):
    assert not validator.is_valid({**BASE, **change})


def test_every_setting_is_explained_to_the_editor():
    axes = json_schema()["else"]["properties"]["space"]["properties"]
    assert all(axis["description"] for axis in axes.values())
    assert "validate" not in axes
