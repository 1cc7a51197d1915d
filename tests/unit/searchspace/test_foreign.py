"""Axes and methods as other tools write them are refused with the line to write."""

import re

import pytest
from pydantic import ValidationError

from searchctl.orchestrator.config.sections.sweep import SearchSettings
from searchctl.searchspace import Space, SpaceError
from searchctl.searchspace.foreign import line_for

LOG = "a: {low: 0.0001, high: 0.1, log: true}"


@pytest.mark.parametrize(
    ("written", "line"),
    [
        ("loguniform(1e-4, 1e-1)", LOG),
        ("tune.loguniform(1e-4, 1e-1)", LOG),
        ("uniform(0, 0.5)", "a: {low: 0.0, high: 0.5}"),
        ("quniform(0, 0.5, 0.1)", "a: {low: 0.0, high: 0.5, step: 0.1}"),
        ("tune.randint(1, 10)", "a: {low: 1, high: 9}"),
        ("choice([sgd, 1])", None),
        ("choice(['sgd', 1, None, True])", "a: [sgd, 1, null, true]"),
        ("choice(1, 2)", "a: [1, 2]"),
        ("normal(0.1, 0.05)", "a: {low: 0.0, high: 0.2}"),
        ("normal(0.1, wide)", None),
        ({"mu": 0.1, "sigma": "wide"}, None),
        ("unet", None),
        ({"min": 1e-4, "max": 1e-1, "distribution": "log_uniform_values"}, LOG),
        ({"min": 1e-4, "max": 1e-1, "distribution": "uniform"}, "a: {low: 0.0001, high: 0.1}"),
        ({"min": 2, "max": 8}, "a: {low: 2, high: 8}"),
        (
            {"min": 2, "max": 8, "distribution": "q_uniform", "q": 2},
            "a: {low: 2.0, high: 8.0, step: 2.0}",
        ),
        ({"mu": 0.1, "sigma": 0.05}, "a: {low: 0.0, high: 0.2}"),
        ({"values": [1, 2], "distribution": "categorical"}, "a: [1, 2]"),
        ({"type": "range", "bounds": [1e-4, 1e-1], "log_scale": True}, LOG),
        ({"type": "float", "low": 1e-4, "high": 1e-1, "log": True}, LOG),
        ({"type": "int", "low": 1, "high": 4}, "a: {low: 1, high: 4}"),
        ({"_type": "loguniform", "_value": [1e-4, 1e-1]}, LOG),
        ({"_type": "choice", "_value": [1, 2]}, "a: [1, 2]"),
        ({"min_value": 1e-4, "max_value": 1e-1, "scale_type": "UNIT_LOG_SCALE"}, LOG),
        ({"low": 1, "high": 4}, None),
        ({"low": 1, "hihg": 4}, None),
    ],
)
def test_a_foreign_form_has_the_line_that_says_the_same(written, line):
    assert line_for("a", written) == line


def test_a_foreign_axis_is_one_problem_with_its_line():
    with pytest.raises(SpaceError) as caught:
        Space.from_config({"lr": {"min": 1e-4, "max": 0.1, "distribution": "log_uniform_values"}})
    fix = "is written as in other tools: write `lr: {low: 0.0001, high: 0.1, log: true}`"
    assert caught.value.problems == ((("lr",), fix),)


@pytest.mark.parametrize(
    ("written", "line"),
    [
        (["a * b == 4"], 'search: {where: ["a * b == 4"]}'),
        ("a * b == 4", 'search: {where: ["a * b == 4"]}'),
        (["unet", "fcn"], None),
        ([4, 2], None),
    ],
)
def test_conditions_among_the_axes_are_answered_with_where_they_belong(written, line):
    assert line_for("constraints", written) == line


@pytest.mark.parametrize(
    ("key", "line"),
    [("include", "known: [{lr: 1e-3}]"), ("n_trials", "trials: 20"), ("constraints", "where: [")],
)
def test_a_key_of_another_tool_is_answered_with_the_line_to_write(key, line):
    with pytest.raises(ValidationError, match=re.escape(f"write `{line}")):
        SearchSettings.model_validate({"method": "random", key: 20})


def test_a_step_that_is_a_factor_is_answered_with_the_values():
    with pytest.raises(SpaceError, match=r"list the values: \[2, 4, 8, 16\]"):
        Space.from_config({"batch_size": {"low": 2, "high": 16, "log": True, "step": 2}})


@pytest.mark.parametrize(("method", "line"), [("bayes", "tpe"), ("ASHA", "random")])
def test_a_method_of_other_tools_is_answered_with_one_of_ours(refused, method, line):
    text = (
        f"name: s\ndata: {{dataset: scenes}}\nspace: {{lr: [1, 2]}}\nsearch: {{method: {method}}}"
    )
    assert (
        f"search.method: {method} is not a method here: write `method: {line}`" in refused(text)[0]
    )
