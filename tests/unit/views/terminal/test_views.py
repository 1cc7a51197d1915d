from fractions import Fraction

import pytest

from searchctl.orchestrator.facts.sweeps import (
    JobState,
    after_line,
    after_views,
    assignments,
    duration,
    missing,
    number,
    rung_views,
)
from searchctl.orchestrator.halving.follow_up import FollowUpSettings

LADDER = [
    {"rung": 0, "trials": 4, "fraction": "1/2", "images": 10},
    {"rung": 1, "trials": 2, "fraction": "1", "images": 20},
]


def jobs(*states, rung=0):
    return [JobState(rung, state, score) for state, score in states]


def test_every_job_of_a_rung_is_counted_once():
    states = jobs(("COMPLETE", 0.4), ("RUNNING", None), ("DIVERGED", None))
    view, above = rung_views(LADDER, states, "maximize")
    assert (view.done, view.running, view.failed, view.left) == (2, 1, 1, 1)
    assert (above.done, above.running, above.left, above.best) == (0, 0, 2, None)


def test_a_waiting_job_counts_as_left():
    view, _ = rung_views(LADDER, jobs(("WAITING", None), ("COMPLETE", 0.4)), "maximize")
    assert (view.done, view.running, view.left) == (1, 0, 3)


@pytest.mark.parametrize(("direction", "best"), [("maximize", 0.9), ("minimize", 0.2)])
def test_the_best_score_is_the_finite_one_in_the_sweep_s_direction(direction, best):
    states = jobs(("COMPLETE", 0.9), ("COMPLETE", 0.2), ("FAIL", None), ("COMPLETE", float("nan")))
    assert rung_views(LADDER, states, direction)[0].best == best


def test_a_rung_is_shown_as_small_as_failed_trials_make_it():
    failed = jobs(*[("DIVERGED", None)] * 3, ("COMPLETE", 0.1))
    _, above = rung_views(LADDER, failed + jobs(("COMPLETE", 0.2), rung=1), "maximize")
    assert (above.trials, above.done, above.left) == (1, 1, 0)


AFTER = [
    JobState(1, "COMPLETE", 0.4, kind="repeat"),
    JobState(1, "DIVERGED", None, 2, kind="repeat"),
    JobState(1, "RUNNING", None, kind="audit"),
]


def test_jobs_after_the_ladder_are_counted_by_kind_and_in_no_rung():
    rungs = rung_views(LADDER, AFTER, "maximize")
    assert [(view.done, view.running, view.best) for view in rungs] == [(0, 0, None)] * 2
    repeats, audit = after_views(rungs, FollowUpSettings(3, 2), AFTER)
    assert (repeats.jobs, repeats.done, repeats.failed, repeats.running) == (4, 3, 2, 0)
    assert (audit.jobs, audit.done, audit.running) == (3, 0, 1)  # the winner, too
    assert after_line([repeats, audit]) == "repeats 3/4, audit 0/3"
    assert missing([], [repeats, audit]) == "repeats: 1 of 4 jobs; audit: 3 of 3 jobs"


@pytest.mark.parametrize(
    ("failed", "follow_up", "expected"),
    [
        (0, FollowUpSettings(1, 0), {}),
        (0, FollowUpSettings(2, 9), {"repeat": 2, "audit": 3}),  # 4 start, 2 are pruned
        (0, FollowUpSettings(2, 9, new_seed=False), {"repeat": 2, "audit": 2}),
        (
            1,
            FollowUpSettings(2, 9),
            {"repeat": 2, "audit": 2},
        ),  # one that failed was not pruned by rank
        (3, FollowUpSettings(2, 9), {"repeat": 1}),
        (4, FollowUpSettings(2, 9), {}),
    ],
)
def test_no_more_jobs_are_expected_after_the_ladder_than_there_are_trials_for(
    failed, follow_up, expected
):
    rungs = rung_views(LADDER, jobs(*[("FAIL", None)] * failed), "maximize")
    assert {view.kind: view.jobs for view in after_views(rungs, follow_up, [])} == expected


def test_a_fraction_is_exact():
    assert rung_views(LADDER, [], "maximize")[0].fraction == Fraction(1, 2)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (59.4, "59s"), (59.6, "1m00s"), (3599.9, "1h00m"), (90061, "25h01m"), (None, "-")],
)
def test_a_time_span_is_written_as_people_say_it(seconds, text):
    assert duration(seconds) == text


@pytest.mark.parametrize(("value", "text"), [(0.12345, "0.1235"), (0.0, "0.0000"), (None, "-")])
def test_a_missing_score_is_a_dash_and_zero_is_a_number(value, text):
    assert number(value) == text


def test_params_are_written_on_one_line():
    params = {"lr": 1e-05, "width": None, "amsgrad": True, "epochs": 20, "loss": "dice"}
    assert assignments(params) == "lr=1e-05 width=None amsgrad=True epochs=20 loss=dice"
