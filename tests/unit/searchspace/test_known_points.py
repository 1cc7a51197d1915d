from fractions import Fraction
from statistics import NormalDist, fmean

import pytest

from searchctl.orchestrator.draws.points import Point, Prior, draw
from searchctl.searchspace import Choice, Interval, Params, Space
from searchctl.searchspace.draws.near import SPREAD, STAYS, near

SPACE = Space(
    {
        "lr": Interval(1e-4, 1e-1, log=True),
        "width": Interval(4, 64),
        "optimizer": Choice(("adamw", "sgd")),
        "momentum": Interval(0.5, 0.99, when={"optimizer": ("sgd",)}),
    },
    [{"model": "unet", "depth": 3}, {"model": "fcn"}],
)
TODAY = Params({"lr": 1e-3, "optimizer": "sgd", "momentum": 0.9, "model": "unet"})


@pytest.mark.parametrize(
    ("point", "problem"),
    [
        ({"lr": 1e-3}, None),
        (dict(TODAY), None),
        ({"lr": 1}, "lr: 1 is outside of space.lr, which is 0.0001 to 0.1: widen it"),
        ({"lr": "fast"}, 'lr: "fast" is outside of space.lr'),
        ({"width": 4.5}, "width: 4.5 is outside of space.width"),
        ({"optimizer": "adam"}, 'optimizer: "adam" is outside of space.optimizer'),
        ({"momentum": 0.9}, "momentum: applies only for some values of optimizer: give these too"),
        ({"momentum": 0.9, "optimizer": "adamw"}, "momentum: does not apply to this point"),
        ({"lrr": 1e-3}, "lrr: unknown axis 'lrr': did you mean 'lr'?"),
        ({"epochs": 5}, "epochs: is not searched: leave it out, or add it to space:"),
        ({"model": "pspnet"}, 'space: no entry of space.points has {"model":"pspnet"}'),
        ({"model": "fcn", "depth": 3}, "space: no entry of space.points has"),
    ],
)
def test_what_is_no_part_of_a_point_is_refused_with_what_to_do(point, problem):
    found = [f"{'.'.join(path) or 'space'}: {text}" for path, text in SPACE.known_problems(point)]
    assert len(found) == (problem is not None)
    assert problem is None or found[0].startswith(problem)


def test_a_part_of_a_point_is_completed_by_the_seed_s_draw():
    one = SPACE.complete([TODAY], seed=0)
    assert all(SPACE.contains(point) for point in one.points)
    assert TODAY.items() <= one.points[0].items()
    assert one == SPACE.complete([TODAY], seed=0) != SPACE.complete([TODAY], seed=1)


def test_points_that_repeat_another_are_left_out_and_named():
    small = Space({"lr": Choice((0.1, 0.01)), "model": Choice(("fcn", "unet"))})
    known = [Params(p) for p in ({"lr": 0.1}, {"lr": 0.1}, {"lr": 0.01, "model": "fcn"}, {}, {})]
    found = small.complete([*known, Params({"lr": 0.1, "model": "unet"})], seed=0)
    assert len(set(found.points)) == len(found.points)
    assert found.repeated[:1] == (1,)
    assert 5 in found.repeated or found.points[-1] == Params({"lr": 0.1, "model": "unet"})


def test_a_point_that_cannot_be_completed_within_the_allowed_ones_is_named():
    found = SPACE.complete([TODAY, Params()], 0, allowed=lambda p: p["optimizer"] == "adamw")
    assert found.refused == (0,)
    assert found.points[0]["optimizer"] == "adamw"


def params(points, origin):
    return [point.params for point in points if point.origin == origin]


def test_known_points_come_first_and_a_share_of_the_others_lies_near_them():
    prior = Prior(SPACE.complete([TODAY], seed=0), Fraction(1, 3))
    points = draw(SPACE, "random", 31, 0, prior=prior)
    assert points[0] == Point(prior.known.points[0], "known")
    assert params(points, "random") == list(SPACE.sample(20, 0))
    assert len(params(points, "near")) == 10
    assert sum(1e-4 < p["lr"] < 1e-2 for p in params(points, "near")) >= 8
    assert all(SPACE.contains(point.params) for point in points)


def test_a_second_cohort_continues_the_draws_of_the_first():
    prior = Prior(SPACE.complete([TODAY], seed=0), Fraction(1, 3))
    whole = draw(SPACE, "quasi_random", 20, 0, prior=prior)
    first = [point.params for point in whole[:12]]
    assert draw(SPACE, "quasi_random", 8, 0, first, prior) == whole[12:]


def test_a_grid_begins_with_the_known_points_and_has_every_other_allowed_one_once():
    grid = Space({"a": Interval(1, 4), "b": Interval(1, 4)})
    prior = Prior(
        grid.complete([Params({"b": 2, "a": 2})], 0), allowed=lambda p: p["a"] * p["b"] == 4
    )
    points = [
        (p.params["a"], p.params["b"], p.origin) for p in draw(grid, "grid", None, 0, prior=prior)
    ]
    assert points == [(2, 2, "known"), (1, 4, "grid"), (4, 1, "grid")]


def test_only_allowed_points_are_drawn_and_a_sample_is_short_where_they_are_rare():
    def few(point):
        return point["width"] % 10 == 0

    assert all(map(few, SPACE.sample(20, 0, "quasi_random", allowed=few)))
    assert SPACE.sample(5, 0, allowed=lambda point: False) == ()
    grid = Space({"a": Interval(1, 40), "b": Interval(1, 40)})
    sample = grid.sample(1000, 0, allowed=lambda p: p["a"] * p["b"] == 36)
    assert len(sample) == len(set(sample)) == 9


@pytest.mark.parametrize(
    "axis", [Interval(1e-5, 1.0, log=True), Interval(-1.0, 3.0), Interval(0.0, 1.0, step=0.001)]
)
@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 1.0])
def test_numbers_near_another_follow_a_normal_distribution_cut_at_the_ends(axis, share):
    centre = axis.at(min(share, 0.999999))
    drawn = [axis.position(near(axis, centre, (n + 0.5) / 400)) for n in range(400)]
    normal = NormalDist(axis.position(centre), SPREAD)
    inside = normal.cdf(1) - normal.cdf(0)
    mean = normal.mean + SPREAD**2 * (normal.pdf(0) - normal.pdf(1)) / inside
    assert fmean(drawn) == pytest.approx(mean, abs=2e-3)
    assert all(map(axis.contains, map(axis.at, (min(each, 0.999999) for each in drawn))))


def test_a_choice_keeps_the_known_value_with_a_raised_probability():
    axis = Choice(("a", "b", "c"))
    drawn = [near(axis, "b", (n + 0.5) / 900) for n in range(900)]
    assert drawn.count("b") / 900 == pytest.approx(STAYS + (1 - STAYS) / 3)
