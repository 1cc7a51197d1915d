"""Params that lead into a setting that is a mapping."""

import pytest

from searchctl.trainer.settings.options.nested import with_values


def test_whole_settings_are_replaced_before_values_inside_them():
    values = {"loss.dice": 0.5, "loss": {"dice": 1, "focal": 2}}
    assert with_values({"loss": "dice"}, values) == {"loss": {"dice": 0.5, "focal": 2}}


def test_the_last_name_may_be_new():
    assert with_values({"model_args": {}}, {"model_args.depth": 4}) == {"model_args": {"depth": 4}}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"args": "x"}, "args is 'x' here, and has no 'a.b'"),
        ({"args": {"c": {}}}, "args has no 'a' here: it has c"),
        ({"args": {"a": 1}}, "args.a is 1 here, and has no 'b'"),
    ],
)
def test_a_name_that_leads_nowhere_is_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        with_values(settings, {"args.a.b": 0.2})


@pytest.mark.parametrize(("loss", "has_fix"), [("dice", True), ("my_losses:Own", False)])
def test_the_sum_to_write_is_named_for_one_of_our_losses(loss, has_fix):
    with pytest.raises(ValueError, match="loss is") as caught:
        with_values({"loss": loss}, {"loss.dice": 2})
    assert ("write loss: {dice: 1} under training" in str(caught.value)) is has_fix


def test_settings_stay_as_they_were():
    settings = {"model_args": {"depth": 3}}
    with_values(settings, {"model_args.depth": 4})
    assert settings == {"model_args": {"depth": 3}}
