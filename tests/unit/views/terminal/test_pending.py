"""Why a sweep does not run more jobs, in a line for people."""

from dataclasses import replace

import pytest

from searchctl.orchestrator.core.pending import Waiting
from searchctl.orchestrator.facts.running.pending import barrier_line, room_line
from searchctl.orchestrator.facts.sweeps import JobState, rung_views

LADDER = [
    {"rung": 0, "trials": 4, "fraction": "1/2", "images": 10},
    {"rung": 1, "trials": 2, "fraction": "1", "images": 20},
]
TWO = Waiting(2, {"CPU": 1, "GPU": 1}, {"CPU": 5, "GPU": 0}, {"CPU": 16, "GPU": 4}, nodes=2)


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({}, "2 jobs wait for 1 CPU and 1 GPU each: 4 of 4 GPUs are in use"),
        ({"jobs": 1}, "1 job waits for 1 CPU and 1 GPU: 4 of 4 GPUs are in use"),
        ({"nodes": 0}, "2 jobs wait for 1 CPU and 1 GPU each: no node has that"),
        (
            {"free": {"CPU": 0.5, "GPU": 0.5}},
            "2 jobs wait for 1 CPU and 1 GPU each: 15.5 of 16 CPUs are in use and 3.5 of 4 GPUs "
            "are in use",
        ),
        (
            {"free": {"CPU": 9, "GPU": 2}},
            "2 jobs wait for 1 CPU and 1 GPU each: enough is free, but not on one node",
        ),
        (
            {
                "asked": {"GPU": 0.5, "licence": 1, "accelerator_type:A100": 0.001},
                "free": {"GPU": 1, "accelerator_type:A100": 1},
                "there": {"GPU": 1, "licence": 1, "accelerator_type:A100": 1},
            },
            "2 jobs wait for 0.5 GPU and 1 licence on a node with A100 each: 1 of 1 licence is in "
            "use",
        ),
    ],
)
def test_a_wait_for_resources_names_the_request_and_the_obstacle(changes, line):
    assert room_line(replace(TWO, **changes), {}) == line


def test_sweeps_that_use_the_resources_are_named():
    line = room_line(TWO, {"a": 3, "b": 2, "c": 1})
    assert line.endswith("in use, by a (3 jobs), b (2 jobs) and c (1 job)")


@pytest.mark.parametrize(
    ("states", "line"),
    [
        (["COMPLETE", "RUNNING", "RUNNING", "FAIL"], "waits for rung 0 to close: 2 jobs run"),
        (["COMPLETE", "COMPLETE", "RUNNING", "FAIL"], "waits for rung 0 to close: 1 job runs"),
        (["COMPLETE", "RUNNING", "RUNNING"], None),  # a job may start
        (["COMPLETE", "COMPLETE", "COMPLETE", "WAITING"], None),  # one that is retried
        ([], None),
    ],
)
def test_a_barrier_is_waited_for_when_every_job_of_a_rung_has_started(states, line):
    jobs = [JobState(0, state, 0.5) for state in states]
    assert barrier_line(rung_views(LADDER, jobs, "maximize")) == line


def test_nothing_waits_for_the_last_rung_to_close():
    jobs = [JobState(0, "COMPLETE", 0.5)] * 4 + [JobState(1, "RUNNING", None)] * 2
    assert barrier_line(rung_views(LADDER, jobs, "maximize")) is None


def test_what_is_stored_is_what_is_read_back():
    assert Waiting.from_json(TWO.to_json()) == TWO
