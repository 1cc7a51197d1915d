"""Params that lead into a setting that is a mapping."""

import pytest

from searchctl.trainer.settings.nested import with_values


def test_whole_settings_are_replaced_before_values_inside_them():
    values = {"loss.dice": 0.5, "loss": {"dice": 1, "focal": 2}}
    assert with_values({"loss": "dice"}, values) == {"loss": {"dice": 0.5, "focal": 2}}


def test_the_last_name_may_be_new():
    assert with_values({"model_args": {}}, {"model_args.depth": 4}) == {"model_args": {"depth": 4}}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"augment": "flips"}, "augment is 'flips' here, and has no 'Scale.limit'"),
        ({"augment": {"Flip": {}}}, "augment has no 'Scale' here: it has Flip"),
        ({"augment": {"Scale": 1}}, "augment.Scale is 1 here, and has no 'limit'"),
    ],
)
def test_a_name_that_leads_nowhere_is_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        with_values(settings, {"augment.Scale.limit": 0.2})


def test_settings_stay_as_they_were():
    settings = {"model_args": {"depth": 3}}
    with_values(settings, {"model_args.depth": 4})
    assert settings == {"model_args": {"depth": 3}}
