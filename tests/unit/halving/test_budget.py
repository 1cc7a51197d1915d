"""Reasons to end a sweep early: deadlines, GPU hours, disk space."""

from datetime import UTC, datetime, timedelta

import pytest
from upath import UPath

from searchctl.orchestrator.config.sections.resources import (
    BudgetSettings,
    ResourceSettings,
    read_moment,
)
from searchctl.orchestrator.driver.budget import (
    DiskMeter,
    GpuMeter,
    StopConditions,
    Target,
    budget_conditions,
)
from searchctl.orchestrator.halving.cut import cut
from searchctl.orchestrator.halving.rule import Outcome
from searchctl.orchestrator.storage.rows import AttemptRow


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def attempt(seconds, gpus, outcome="complete"):
    began = datetime(2026, 11, 21, 12, tzinfo=UTC)
    ended = began + timedelta(seconds=seconds)
    return AttemptRow(
        trial=0,
        rung=0,
        kind="ladder",
        repeat=0,
        number=1,
        token="t",
        worker="host:1",
        started_at=began,
        ended_at=ended,
        outcome=outcome,
        first_epoch=1,
        gpus=gpus,
        error=None,
    )


def holding(budget, gpu=None, disk=None):
    clock = Clock()
    conditions = budget_conditions(
        BudgetSettings.model_validate(budget),
        gpu or GpuMeter([], clock),
        disk or DiskMeter(UPath("nowhere"), lambda runs: 0, clock),
    )
    return [reason for condition in conditions if (reason := condition())]


def test_gpu_hours_count_lost_attempts_and_running_ones():
    clock = Clock()
    meter = GpuMeter([attempt(3600, 1), attempt(1800, 2, "lost")], clock)
    meter.begin("a", 0.5)
    clock.now = 7200
    assert meter.hours == 1 + 1 + 1
    meter.end("a")
    clock.now = 9999
    assert meter.hours == 3


def test_a_budget_of_gpu_hours_ends_when_it_is_spent():
    budget = {"gpu_hours": 2}
    assert holding(budget, GpuMeter([attempt(7100, 1)])) == []
    assert holding(budget, GpuMeter([attempt(7200, 1)])) == [
        "the budget of 2 GPU hours is spent (another one: --max-gpu-hours)"
    ]


def test_a_deadline_ends_when_it_has_passed():
    assert holding({"deadline": "2125-01-01"}) == []
    (reason,) = holding({"deadline": "2025-01-01T12:00+00:00"})
    assert "2025-01-01 12:00" in reason


def test_the_disk_is_looked_at_now_and_then():
    clock, sizes = Clock(), iter([int(1e9), int(3e9)])
    disk = DiskMeter(UPath("nowhere"), lambda runs: next(sizes), clock)
    budget = {"disk_gb": 2}
    assert holding(budget, disk=disk) == []
    assert disk.gigabytes == 1
    clock.now = 11
    assert holding(budget, disk=disk) == [
        "the sweep's files take 3 GB, more than budget.disk_gb allows (2): raise it, or keep less"
    ]


def test_the_first_reason_is_remembered():
    reasons = [None, "two"]
    stop = StopConditions([lambda: reasons[0], lambda: reasons[1]])
    assert stop()
    assert stop.reason == "two"
    reasons[:] = ["one", None]
    assert stop()
    assert (stop.reason, stop.blocked) == ("two", False)


@pytest.mark.parametrize(
    ("text", "hours"),
    [("8h", 8), ("1d12h", 36), ("90m", 1.5), ("2d", 48), ("1h 30m", 1.5), ("90s", 0.025)],
)
def test_a_time_span_is_a_deadline_from_now(text, hours):
    left = read_moment(text) - datetime.now(UTC)
    assert left.total_seconds() == pytest.approx(hours * 3600, abs=5)


@pytest.mark.parametrize("text", ["2026-11-30 18:00", "2026-11-30T18:00", "2026-11-30"])
def test_a_moment_without_a_zone_is_local_time(text):
    moment = read_moment(text)
    assert moment.tzinfo is not None
    assert moment.replace(tzinfo=None) == datetime.fromisoformat(text)


@pytest.mark.parametrize("text", ["10000000d", "99999999999999h"])
def test_a_deadline_beyond_all_calendars_is_refused(text):
    with pytest.raises(ValueError, match="too far away"):
        read_moment(text)


@pytest.mark.parametrize("text", ["tomorrow", "8", "", "h", "8 hours", True])
def test_an_invalid_time_is_refused_with_an_example(text):
    with pytest.raises(
        ValueError, match=r"must be a date and time such as 2026-11-30 18:00.*1d12h, 90m"
    ):
        read_moment(text)


@pytest.mark.parametrize(
    ("scores", "target", "direction", "reached"),
    [
        ([0.7, 0.81], 0.8, "maximize", True),
        ([0.8, 0.1], 0.8, "maximize", True),
        ([0.7, 0.79], 0.8, "maximize", False),
        ([0.3, 0.9], 0.3, "minimize", True),
        ([0.4, 0.9], 0.3, "minimize", False),
        ([None, float("nan")], -1.0, "maximize", False),
    ],
)
def test_a_sweep_stops_when_a_rung_closes_with_a_score_as_good_as_the_target(
    scores, target, direction, reached
):
    stop = StopConditions([], Target(target, direction))
    assert not stop()
    outcomes = [Outcome(trial, 0, score) for trial, score in enumerate(scores)]
    stop.rung_closed(cut(outcomes, 1, direction))
    assert stop() is reached
    assert not reached or "budget.target" in stop.reason


@pytest.mark.parametrize(("written", "seconds"), [(5.5, 5.5), ("90m", 5400), ("1m30s", 90)])
def test_a_timeout_is_seconds_or_a_time_span(written, seconds):
    assert ResourceSettings(trial_timeout=written).trial_timeout == seconds


@pytest.mark.parametrize("written", ["soon", "90", 0, -1, "", float("nan"), float("inf")])
def test_a_timeout_that_is_no_time_is_refused(written):
    with pytest.raises(ValueError, match="trial_timeout"):
        ResourceSettings(trial_timeout=written)
