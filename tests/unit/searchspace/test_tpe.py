"""New points from Optuna's TPE sampler."""

import logging
import math
import random
from dataclasses import replace

import pytest

from searchctl.orchestrator.draws.tpe import ClosedTrial, draw
from searchctl.searchspace import Params, Space

WHOLE = {
    "points": [
        {"model": "unet", "width": 16},
        {"model": "fcn"},
        {"model": "unet", "width": [8, 4]},
    ],
    "optimizer": ["adamw", "sgd", "adam"],
    "lr": [
        {"low": 1e-4, "high": 1e-1, "log": True, "when": {"optimizer": "adamw"}},
        {"low": 1e-3, "high": 1.0, "log": True, "when": {"optimizer": "sgd"}},
    ],
    "momentum": {"low": 0.0, "high": 0.9, "step": 0.1, "when": {"optimizer": "sgd"}},
    "nesterov": {"values": [True, False], "when": {"momentum": [0.8, 0.9]}},
    "encoder_lr_scale": {"low": 0.1, "high": 1.0, "when": {"model": "unet"}},
    "epochs": {"low": 1, "high": 9, "step": 2},
    "base": {"low": 4, "high": 64, "log": True},
    "model_args": {"depth": [1, True, None, "1"]},
    "rates": [[6, 12], [12, 24]],
    "loss": [{"cross_entropy": 1, "dice": 0.5}, {"cross_entropy": 1}],
}
SPACES = {
    "everything": WHOLE,
    "real numbers": {
        "lr": WHOLE["base"] | {"low": 1e-4, "high": 0.1},
        "dropout": {"low": 0, "high": 0.5},
    },
    "choices": {"a": list(range(12)), "b": list(range(12)), "c": ["x"]},
    "bundles alone": {"points": [{"a": n, "b": -n} for n in range(40)]},
}


def closed_of(space, trials=30, seed=1):
    """Return trials with a score on 60 images, and every other one on 120."""
    points = space.sample(trials, seed)
    scores = [sum(map(len, map(str, point.values()))) / 100 for point in points]
    return [
        ClosedTrial(n, point, {60: score, 120: score + 0.1} if n % 2 else {60: score})
        for n, (point, score) in enumerate(zip(points, scores, strict=True))
    ]


@pytest.mark.parametrize("name", SPACES)
def test_points_are_new_distinct_and_inside_the_space_whatever_it_holds(name):
    space = Space.from_config(SPACES[name])
    closed, open_ = closed_of(space), space.sample(34, 1)[30:]
    found = draw(space, closed, 6, seed=7, direction="maximize", taken=open_)
    assert len({*found.points, *open_, *(trial.params for trial in closed)}) == 40
    assert all(space.contains(point) for point in found.points)
    assert (found.images, found.random) == (120, 2)
    assert found.sources == tuple(range(1, 30, 2))


def test_a_draw_depends_on_its_arguments_alone_and_not_on_the_order_of_the_trials():
    space = Space.from_config(WHOLE)
    closed = closed_of(space)
    first = draw(space, closed, 6, seed=7, direction="maximize")
    random.seed(3)
    shuffled = random.sample(closed, len(closed))
    assert draw(space, shuffled, 6, seed=7, direction="maximize") == first
    assert draw(space, closed, 6, seed=8, direction="maximize").points != first.points
    assert draw(space, closed, 6, seed=7, direction="minimize").points != first.points


def test_drawn_points_are_nearer_to_the_best_ones_than_random_points():
    space = Space.from_config(
        {
            "optimizer": ["adamw", "sgd"],
            "lr": {"low": 1e-5, "high": 1.0, "log": True, "when": {"optimizer": "adamw"}},
            "decay": {"low": 1e-5, "high": 1.0, "log": True, "when": {"optimizer": "adamw"}},
        }
    )

    def distance(point):
        if point["optimizer"] == "sgd":
            return 6.0
        return abs(math.log10(point["lr"]) + 2) + abs(math.log10(point["decay"]) + 4)

    closed = [ClosedTrial(n, p, {60: distance(p)}) for n, p in enumerate(space.sample(40, 0))]
    found = draw(space, closed, 18, seed=0, direction="minimize")
    learned, random_ones = found.points[:12], found.points[12:]
    assert len(random_ones) == found.random
    assert sum(map(distance, learned)) / 12 < 1.5 < sum(map(distance, random_ones)) / 6


def test_the_model_uses_the_most_images_on_which_enough_trials_have_a_score():
    space = Space.from_config(SPACES["real numbers"])
    closed = closed_of(space, trials=14)
    assert draw(space, closed, 3, seed=0, direction="maximize").images == 60
    assert draw(space, closed[:7], 3, seed=0, direction="maximize").images is None
    drawn = draw(space, closed[:7], 3, seed=0, direction="maximize")
    assert (len(drawn.points), drawn.random, drawn.sources) == (3, 3, ())


@pytest.mark.parametrize("score", [None, math.nan, -math.inf])
def test_a_trial_that_diverged_is_never_among_the_good_ones(score):
    space = Space.from_config({"lr": {"low": 1e-5, "high": 1.0, "log": True}})
    closed = [
        ClosedTrial(n, p, {60: score if p["lr"] > 1e-3 else 1e-3 - p["lr"]})
        for n, p in enumerate(space.sample(30, 0))
    ]
    found = draw(space, closed, 9, seed=0, direction="minimize")
    assert all(point["lr"] < 2e-3 for point in found.points[:6])
    assert found.sources == tuple(range(30))


def test_a_trial_outside_the_space_is_not_used():
    space = Space.from_config(SPACES["real numbers"])
    closed = closed_of(space)
    outside = replace(closed[1], params=Params({"lr": 7, "dropout": 0.1}))
    found = draw(space, [outside, *closed[:1], *closed[2:]], 3, seed=0, direction="maximize")
    assert found.sources == tuple(range(3, 30, 2))


def test_a_small_space_gives_the_rest_of_its_points_and_a_warning(caplog):
    space = Space.from_config({"a": list(range(6)), "b": list(range(6))})
    closed = closed_of(space, trials=30)
    with caplog.at_level(logging.WARNING, logger="searchctl"):
        assert len(draw(space, closed, 6, seed=0, direction="maximize").points) == 6
        assert not caplog.messages
        found = draw(space, closed, 9, seed=0, direction="maximize")
    assert {*found.points, *(trial.params for trial in closed)} == set(space.grid())
    assert caplog.messages == ["the space has only 6 new points, not 9"]
