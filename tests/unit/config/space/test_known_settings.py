from dataclasses import fields
from types import SimpleNamespace

import pytest
from pydantic import ValidationError

from searchctl.orchestrator.config.sweep import Sweep
from searchctl.orchestrator.facts.baseline import Baseline, read_baseline
from searchctl.orchestrator.storage.reads.ranking import RankedTrial

SWEEP = {
    "name": "s",
    "data": {"dataset": "scenes"},
    "training": {"model": "simple_fcn", "batch_size": 2},
    "space": {"lr": {"low": 1e-4, "high": 1e-1, "log": True}, "weight_decay": [0.0, 0.01, 0.1]},
}


def sweep(search, **others):
    return Sweep.model_validate({**SWEEP, "search": search, **others})


def origins(search, **others):
    return [point.origin for point in sweep(search, **others).points]


@pytest.mark.parametrize(
    ("search", "expected"),
    [
        (
            {"known": [{"lr": 1e-3}]},
            ["known", "random", "random", "near", "random", "random", "near"],
        ),
        ({"known": [{"lr": 1e-3}], "known_share": 0}, ["known", *["random"] * 6]),
        ({"known": [{"lr": 1e-3}, {"lr": 1e-2}], "known_share": 1}, ["known"] * 2 + ["near"] * 5),
        ({}, ["random"] * 7),
    ],
)
def test_a_third_of_the_drawn_trials_lies_near_known_points_by_default(search, expected):
    assert origins({"method": "random", "trials": 7, **search}) == expected


@pytest.mark.parametrize(
    ("search", "halving", "problem"),
    [
        ({"known_share": 0.5}, {}, "needs a known point"),
        ({"known_share": 2, "known": [{"lr": 1e-3}]}, {}, "must be from 0 to 1"),
        ({"known": [{"lr": 1e-3}] * 9}, {}, "is below the 9 points of known"),
        ({"known": [{"lr": 9}]}, {}, "9 is outside of space.lr, which is 0.0001 to 0.1"),
        ({}, {"protect_known": True}, "needs a known point"),
        ({"method": "grid", "trials": None, "known_share": 0.1}, {}, "a grid uses every point"),
    ],
)
def test_what_cannot_be_done_with_known_points_is_refused(search, halving, problem):
    with pytest.raises(ValidationError, match=problem):
        sweep({"method": "random", "trials": 7, **search}, halving=halving)


def test_a_repeated_point_is_left_out_with_a_warning():
    found = sweep({"method": "random", "trials": 7, "known": [{"lr": 1e-3}, {"lr": 0.001}]})
    assert "search.known[1] repeats an earlier point: it is left out" in found.warnings
    assert len(found.trials()) == 7


def test_only_known_points_are_protected_and_only_if_it_is_set():
    search = {"method": "random", "trials": 7, "known": [{"lr": 1e-3}, {"lr": 1e-2}]}
    assert sweep(search, halving={"protect_known": True}).protected == {0, 1}
    assert sweep(search).protected == frozenset()


@pytest.mark.parametrize(
    ("trial", "rung", "gain", "line"),
    [
        (
            0,
            2,
            0.0409,
            "The best known point is trial 0, mIoU 0.5000: the winner is better by 0.0409",
        ),
        (0, 1, None, "The best known point is trial 0. It was cut on rung 1 (mIoU 0.5000), so it"),
        (4, 2, 0.0, "The winner is a known point (search.known), mIoU 0.5000: no other trial"),
    ],
)
def test_the_winner_is_compared_with_the_best_known_point(trial, rung, gain, line):
    found = Baseline(trial, 4, "val_miou", 0.5, rung, rank=2, gain=gain)
    assert str(found).startswith(line)


def ranked(trial, score, mean=None):
    facts = dict.fromkeys(field.name for field in fields(RankedTrial))
    return RankedTrial(**{**facts, "trial": trial, "rung": 2, "score": score, "mean": mean})


@pytest.mark.parametrize(
    ("direction", "known_mean", "gain", "one_seed"),
    [
        ("maximize", None, -0.1, True),
        ("minimize", None, 0.1, True),
        ("maximize", 0.4, 0.2, False),
    ],
)
def test_a_mean_over_seeds_is_never_compared_with_one_seed(direction, known_mean, gain, one_seed):
    trials = [SimpleNamespace(number=4, origin="drawn"), SimpleNamespace(number=0, origin="known")]
    best_first = [ranked(4, 0.4, mean=0.6), ranked(0, 0.5, mean=known_mean)]
    row = SimpleNamespace(direction=direction, spec={"halving": {"score": "val_miou"}})
    rows = SimpleNamespace(trials=trials, ranked=best_first)
    found = read_baseline(None, row, rows)
    assert (found.gain, found.one_seed) == (pytest.approx(gain), one_seed)
