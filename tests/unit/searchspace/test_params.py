import pickle

import pytest

from searchctl.searchspace import Params


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"lr": 1}, {"lr": 1.0}),
        ({"lr": 1e-3}, {"lr": 0.001}),
        ({"lr": 0.1, "width": 16}, {"width": 16, "lr": 0.1}),
        ({"bins": [1, 2]}, {"bins": (1, 2)}),
        ({"loss": {"dice": 0.5, "focal": 1}}, {"loss": {"focal": 1.0, "dice": 0.5}}),
        ({"lr": -0.0}, {"lr": 0}),
    ],
)
def test_params_that_say_the_same_are_one_point(one, other):
    assert Params(one) == Params(other)
    assert hash(Params(one)) == hash(Params(other))
    assert Params(one).fingerprint == Params(other).fingerprint


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"amsgrad": True}, {"amsgrad": 1}),
        ({"lr": 1}, {"lr": "1"}),
        ({"width": None}, {}),
        ({"bins": [1, [2]]}, {"bins": [[1], 2]}),
        ({"loss": {"dice": 1}}, {"loss": {"dice": True}}),
        ({"lr": 0.1}, {"lr": 0.1 + 2**-56}),
    ],
)
def test_params_that_differ_are_two_points(one, other):
    assert Params(one) != Params(other)
    assert Params(one).fingerprint != Params(other).fingerprint


def test_json_is_canonical_and_reads_back():
    params = Params({"lr": 1e-3, "augment": "none", "bins": [1, 2], "width": None, "amsgrad": True})
    assert params.to_json() == (
        '{"amsgrad":true,"augment":"none","bins":[1,2],"lr":0.001,"width":null}'
    )
    assert Params.from_json(params.to_json()) == params


def test_fingerprint_never_changes_between_versions():
    assert Params({"lr": 0.001, "model": "unet"}).fingerprint == "d0beeb43ed7077a4"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {1: 2}, {1, 2}, b"x"])
def test_values_that_cannot_be_held_are_refused(value):
    with pytest.raises(ValueError, match=r"finite|a value is|must be a text"):
        Params({"x": value})


def test_params_are_immutable_and_independent_of_what_they_were_made_of():
    values = {"bins": [1, 2]}
    params = Params(values)
    values["bins"].append(3)
    assert params["bins"] == (1, 2)
    with pytest.raises(TypeError):
        params["bins"] = 1
    with pytest.raises(AttributeError):
        params.other = 1


def test_params_travel_between_processes():
    params = Params({"lr": 0.1})
    assert pickle.loads(pickle.dumps(params)) == params


def test_a_mapping_as_a_value_cannot_be_changed_and_survives_pickling():
    params = Params({"loss": {"dice": 0.5, "focal": [1, 2]}})
    with pytest.raises(TypeError, match="cannot be changed"):
        params["loss"]["dice"] = 1
    again = pickle.loads(pickle.dumps(params["loss"]))
    assert again == {"dice": 0.5, "focal": (1, 2)}
    assert hash(again) == hash(params["loss"])
