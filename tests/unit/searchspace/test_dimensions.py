import pytest

from searchctl.searchspace import Choice, Interval, SpaceError


@pytest.mark.parametrize(
    ("interval", "values"),
    [
        (Interval(1, 4), (1, 2, 3, 4)),
        (Interval(8, 32, step=8), (8, 16, 24, 32)),
        (Interval(1, 6, step=2), (1, 3, 5)),
        (Interval(0.0, 0.3, step=0.1), (0, 0.1, 0.2, 0.3)),
        (Interval(1, 3, log=True), (1, 2, 3)),
    ],
)
def test_an_interval_with_an_end_lists_its_values_exactly(interval, values):
    assert interval.values() == values
    assert interval.size == len(values)


def test_real_numbers_without_a_step_have_no_list():
    interval = Interval(0.0, 1)
    assert interval.size is None
    with pytest.raises(SpaceError, match="give it a 'step'"):
        interval.values()


@pytest.mark.parametrize(
    ("dimension", "at"),
    [
        (Choice(("a", "b", "c")), {0.0: "a", 0.34: "b", 0.9999999999999999: "c"}),
        (Interval(0.0, 10.0), {0.0: 0, 0.25: 2.5}),
        (Interval(1, 4), {0.0: 1, 0.5: 3, 0.9999999999999999: 4}),
        (Interval(0.0, 0.3, step=0.1), {0.0: 0, 0.75: 0.3}),
    ],
)
def test_at_goes_evenly_through_the_values(dimension, at):
    assert {u: dimension.at(u) for u in at} == at


def test_log_spreads_evenly_over_the_logarithm():
    interval = Interval(1e-4, 1e-2, log=True)
    assert interval.at(0.0) == pytest.approx(1e-4)
    assert interval.at(0.5) == pytest.approx(1e-3)
    assert {Interval(1, 3, log=True).at(n / 100) for n in range(100)} == {1, 2, 3}


@pytest.mark.parametrize(
    ("dimension", "inside", "outside"),
    [
        (Choice((1, "a", None)), [1.0, "a", None], [True, "b", 2]),
        (Interval(1, 4), [1, 4, 2.0], [0, 5, 2.5, True, "2", None]),
        (Interval(0.0, 1.0), [0, 0.5, 1], [-0.1, 1.1, True]),
        (Interval(0.0, 0.3, step=0.1), [0, 0.1, 0.3], [0.15, 0.4]),
    ],
)
def test_contains_its_own_values_only(dimension, inside, outside):
    assert all(dimension.contains(value) for value in inside)
    assert not any(dimension.contains(value) for value in outside)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Choice(()), "has no values: list at least one"),
        (lambda: Choice((0.1, 1, 1.0)), "is listed twice"),
        (lambda: Choice(({"a", 1},)), "a value is a text"),
        (lambda: Interval(0.0, 1.0, log=True), "'log' needs low > 0"),
        (lambda: Interval(2, 1), "'low' must be below 'high'"),
        (lambda: Interval(1, 1), "write a list"),
        (lambda: Interval(1, 2, step=0), "must be above 0"),
        (lambda: Interval(1, 9, log=True, step=2), "cannot be combined"),
        (lambda: Interval(1, 9, log=True, step=1), "remove one, or list the values"),
    ],
)
def test_what_cannot_be_searched_is_refused_with_the_fix(build, message):
    with pytest.raises(SpaceError, match=message):
        build()


def test_only_the_value_that_cannot_be_held_is_refused():
    with pytest.raises(SpaceError) as caught:
        Choice((float("inf"), 0.5, 0.5, 3))
    assert [path for path, _ in caught.value.problems] == [(0,), (2,)]
