from itertools import product

from hypothesis import given, settings
from hypothesis import strategies as st

from searchctl.searchspace import Choice, Interval, Params, Space
from searchctl.searchspace.checks import dependency_order, is_active

METHODS = st.sampled_from(["random", "quasi_random"])


@st.composite
def finite_spaces(draw):
    """Axes a, b, c, d in any order; each may depend on ones before it in the alphabet."""
    axes = {}
    for position, name in enumerate("abcd"[: draw(st.integers(1, 4))]):
        size = draw(st.integers(1, 3))
        when = {}
        if position and draw(st.booleans()):
            other = draw(st.sampled_from(sorted(axes)))
            when = {other: draw(st.sampled_from([(0,), (0, axes[other].size - 1)]))}
        axes[name] = Choice(tuple(range(size)), when=when)
    names = draw(st.permutations(sorted(axes)))
    points = draw(st.sampled_from([[], [{"p": 1}], [{"p": 1}, {"p": 2}, {"q": 1}, {"p": 1}]]))
    return Space({name: axes[name] for name in names}, points)


def nested_loops(space):
    """The definition, the slow way: every combination, conditioned, the first of equals."""
    found = {}
    for bundle in space.points or (Params(),):
        for values in product(*(axis.values() for axis in space.axes.values())):
            given_values, chosen = dict(zip(space.axes, values, strict=True)), dict(bundle)
            for name in dependency_order(space.axes):
                if is_active(space.axes[name], chosen, {}):
                    chosen[name] = given_values[name]
            found[Params(chosen)] = None
    return tuple(found)


@given(finite_spaces())
def test_grid_and_size_are_those_of_nested_loops(space):
    assert space.grid() == nested_loops(space)
    assert space.size == len(space.grid())


@given(finite_spaces())
def test_every_grid_point_is_inside(space):
    assert all(space.contains(params) for params in space.grid())


@settings(max_examples=50)
@given(finite_spaces(), METHODS, st.integers(0, 5))
def test_a_sample_of_everything_is_the_grid_in_another_order(space, method, seed):
    everything = space.sample(space.size + 10, seed, method)
    assert len(everything) == space.size
    assert set(everything) == set(space.grid())


@settings(max_examples=50)
@given(finite_spaces(), METHODS, st.integers(0, 5), st.data())
def test_a_smaller_sample_is_the_beginning_of_a_larger_one(space, method, seed, data):
    n = data.draw(st.integers(0, space.size + 3))
    m = data.draw(st.integers(0, n))
    assert space.sample(n, seed, method)[:m] == space.sample(m, seed, method)


@given(st.floats(1e-9, 1e9), st.floats(1e-9, 1e9), st.booleans(), st.floats(0, 1, exclude_max=True))
def test_numbers_drawn_from_an_interval_are_inside(one, other, log, u):
    if one != other:
        interval = Interval(min(one, other), max(one, other), log=log)
        assert interval.contains(interval.at(u))


@given(st.integers(1, 500), st.integers(1, 500), st.booleans(), st.floats(0, 1, exclude_max=True))
def test_whole_numbers_stay_whole(low, extent, log, u):
    interval = Interval(low, low + extent, log=log)
    assert isinstance(interval.at(u), int)
    assert interval.contains(interval.at(u))


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text()
    | st.floats(allow_nan=False).filter(lambda number: abs(number) != float("inf")),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(st.text(), VALUES, max_size=5))
def test_params_survive_json(values):
    params = Params(values)
    assert Params.from_json(params.to_json()) == params
