"""Every setting belongs to the parts that take it, or to all trials; the rest is derived."""

import json
from typing import Annotated, get_args

import pytest
from pydantic import Field

from searchctl.trainer.data.settings import CatalogData
from searchctl.trainer.losses.catalog import LOSSES, FocalOptions
from searchctl.trainer.settings.catalog import DATASETS, RECIPE
from searchctl.trainer.settings.marks import Mark, marked
from searchctl.trainer.settings.parts import Options, Part, owners, with_options
from searchctl.trainer.settings.training import CommonSettings, TrainSettings
from tests.sweeps.other_values import other_values

OWNERS = {kind: owners(parts) for kind, parts in RECIPE.items()}
CONDITIONAL = [(kind, option, names) for kind in OWNERS for option, names in OWNERS[kind].items()]
of_every_option = pytest.mark.parametrize(
    ("kind", "option", "names"),
    CONDITIONAL,
    ids=[f"{kind}-{option}" for kind, option, _ in CONDITIONAL],
)
DATA = "name: s\ndata: {dataset: scenes}\n"


class Own(Options):
    """Options of a part that a test adds."""

    strength: Annotated[float, Field(ge=0), Mark.SAME_SPEED] = 1.0
    """How strong it is."""


def test_every_setting_is_common_or_an_option_of_the_parts_of_one_kind():
    options = [option for _, option, _ in CONDITIONAL]
    assert sorted([*CommonSettings.model_fields, *options]) == sorted(TrainSettings.model_fields)


def test_every_data_set_has_its_settings():
    union, _ = get_args(CatalogData)
    tags = [get_args(each.model_fields["dataset"].annotation) for each in get_args(union)]
    assert sorted(tag for (tag,) in tags) == sorted(DATASETS)


@of_every_option
def test_an_option_searched_without_its_part_is_refused_with_the_parts_that_have_it(
    refused, kind, option, names
):
    others = [name for name in RECIPE[kind] if name not in names and ":" not in name]
    axis = json.dumps(other_values(option)[:2])
    (line,) = refused(f"{DATA}space: {{{kind}: [{others[0]}], {option}: {axis}}}")
    assert line.startswith(f"sweep.yaml:3 space.{option}: is ")
    assert others[0] in line
    assert names[0] in line


@of_every_option
def test_an_option_is_documented_with_its_condition(kind, option, names):
    description = TrainSettings.model_fields[option].description
    own = RECIPE[kind][names[0]].options.model_fields[option].description
    assert description.startswith(own)
    assert f"Only with {kind}: {names[0]}" in description


def test_an_option_of_a_new_part_is_a_setting_with_its_bounds_marks_and_condition():
    added = with_options(CommonSettings, {"loss": {**LOSSES, "own": Part("m:Own", Own)}})
    assert added(strength=2).strength == 2
    with pytest.raises(ValueError, match="greater than or equal to 0"):
        added(strength=-1)
    assert marked(added, Mark.SAME_SPEED) - marked(TrainSettings, Mark.SAME_SPEED) == {"strength"}
    assert added.model_fields["strength"].description == "How strong it is. Only with loss: own."


def test_a_part_reads_its_own_options_of_a_trial():
    assert FocalOptions.of(TrainSettings(loss="focal", focal_gamma=3.0)).focal_gamma == 3.0


@pytest.mark.parametrize("name", ["lr", "focal_gamma"])
def test_an_option_cannot_have_the_name_of_another_setting(name):
    same = type("Same", (Options,), {"__annotations__": {name: float}, name: 1.0})
    with pytest.raises(TypeError, match=f"option {name} of loss: .*own is declared twice"):
        with_options(CommonSettings, {"loss": {**LOSSES, "own": Part("m:Own", same)}})
