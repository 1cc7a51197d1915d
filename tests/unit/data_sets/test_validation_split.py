from collections import Counter

import pytest

from searchctl.trainer.data.sets.validation_split import validation_split

NAMES = [f"{kind}_{number}" for kind in "ab" for number in range(50)]


def test_the_choice_depends_on_the_names_alone():
    assert validation_split(NAMES, 5) == validation_split(NAMES[::-1], 5)


def test_one_name_more_moves_one_at_most():
    assert len(validation_split(NAMES, 5) - validation_split([*NAMES, "c_1"], 5)) <= 1


def test_each_stratum_gives_its_share():
    chosen = validation_split(NAMES, 5, stratum=lambda name: name[0])
    assert Counter(name[0] for name in chosen) == {"a": 10, "b": 10}


@pytest.mark.parametrize(("names", "expected"), [(0, 0), (1, 0), (2, 1), (9, 1), (10, 2)])
def test_the_share_is_rounded_down_but_one_of_two_is_held_out(names, expected):
    assert len(validation_split(NAMES[:names], 5)) == expected
