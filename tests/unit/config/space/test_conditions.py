import pytest
from pydantic import ValidationError

from searchctl.orchestrator.config.parsing.conditions import MAX_LENGTH, Condition
from searchctl.orchestrator.config.parsing.expressions import ExpressionError
from searchctl.orchestrator.config.sweep import Sweep

VALUES = {
    "batch_size": 16,
    "accumulate": 4,
    "model": "unet",
    "clip_norm": None,
    "model_args.depth": 3,
    "nested": True,
    "zero": 0,
}
SWEEP = {
    "name": "s",
    "data": {"dataset": "scenes"},
    "training": {"model": "simple_fcn", "batch_size": 2},
    "space": {"batch_size": [1, 2, 4], "accumulate": [1, 2, 4]},
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("batch_size * accumulate == 64", True),
        ("batch_size * accumulate != 64.0", False),
        ("1 < accumulate < 4", False),
        ("1 < accumulate <= 4", True),
        ("sqrt(batch_size) >= 2**2 and not accumulate > 4", True),
        ("batch_size < 8 or model == 'unet'", True),
        ("model != 'unet'", False),
        ("model_args.depth == 3", True),
        ("clip_norm == null", True),
        ("clip_norm != null and clip_norm < 1", False),
        ("nested == true", True),
        ("nested == 1", False),
    ],
)
def test_a_condition_means_what_it_says(text, expected):
    assert Condition(text)(VALUES) is expected


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("batch_size * accumulate", "where a comparison must be"),
        ("batch_size in [1, 2]", "where a comparison must be"),
        ("batch_size = 4", "is not a complete expression"),
        ("", "is not a complete expression"),
        ("__import__('os').system('true') == 0", "holds '__import__"),
        ("model.upper() == 'UNET'", "holds 'model.upper()'"),
        ("[1] == 1", "holds '[1]'"),
        ("batch_size / zero > 1", "divides by zero"),
        ("9**9**9 > batch_size", "is too large"),
        ("clip_norm < 1", "holds clip_norm, which is null and not a number"),
        ("model > 1", 'holds model, which is "unet" and not a number'),
        ("1 == " + "1" * MAX_LENGTH, "is longer than"),
    ],
)
def test_what_is_no_condition_is_refused_with_the_reason(text, problem):
    with pytest.raises(ExpressionError) as caught:
        Condition(text)(VALUES)
    assert problem in str(caught.value)


def sweep(where, space=None, **search):
    return Sweep.model_validate(
        {**SWEEP, "space": space or SWEEP["space"], "search": {"where": where, **search}}
    )


def test_a_grid_leaves_out_the_points_that_do_not_satisfy_the_conditions():
    points = [tuple(point.values()) for point in sweep(["batch_size * accumulate == 4"]).trials()]
    assert points == [(4, 1), (2, 2), (1, 4)]


def test_settings_that_are_no_axis_have_their_value_in_conditions():
    space = {"accumulate": [1, 2, 4]}
    assert len(sweep(["batch_size * accumulate > 2"], space).trials()) == 2


def test_draws_are_repeated_until_there_are_enough_and_are_those_of_the_seed():
    space = {"batch_size": [1, 2, 4, 8], "lr": {"low": 1e-4, "high": 1e-1, "log": True}}
    search = {"method": "random", "trials": 20, "known": [{"lr": 1e-3}]}
    found = sweep(["lr * batch_size <= 0.01"], space, **search)
    assert len(found.trials()) == 20
    assert all(trial["lr"] * trial["batch_size"] <= 0.01 for trial in found.trials())
    assert found.trials() == sweep(["lr * batch_size <= 0.01"], space, **search).trials()


@pytest.mark.parametrize(
    ("where", "search", "problem"),
    [
        ("batch_size * accumulate == 64", {}, "no trial satisfies it: no point does"),
        ("batchsize == 4", {}, "unknown name 'batchsize': did you mean 'batch_size'"),
        ("model == simple_fcn", {}, "a text stands in quotes: 'simple_fcn'"),
        ("clip_norm < 1", {}, r"holds clip_norm, which is null .* \(trial with accumulate 1"),
        (
            "batch_size * accumulate == 4",
            {"known": [{"batch_size": 1, "accumulate": 1}]},
            r"does not satisfy search.where \(batch_size \* accumulate == 4\)",
        ),
        ("batch_size == 4", {"known": [{"batch_size": 1}]}, r"does not satisfy search.where"),
    ],
)
def test_conditions_that_leave_nothing_or_a_known_point_are_refused(where, search, problem):
    with pytest.raises(ValidationError, match=problem):
        sweep([where], **search)


def test_a_condition_that_hardly_any_number_satisfies_is_refused():
    space = {"lr": {"low": 0.001, "high": 1.0}}
    with pytest.raises(ValidationError, match="fewer than about 1 in 1,000 points do"):
        sweep(["lr < 0.00101"], space, method="random", trials=5)
