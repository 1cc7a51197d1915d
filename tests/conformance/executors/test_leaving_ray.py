"""Runs that leave Tune while jobs run: the end of their own Ray is what ends the workers."""

import time

import pytest

from searchctl.orchestrator.executors.ray.tune import RayTuneExecutor
from searchctl.trainer.core.results import JobResult
from tests.jobs.executors import BracketSource, by_value, never, quick

pytestmark = pytest.mark.xdist_group("ray")


@pytest.mark.exhaustive
def test_an_error_of_the_source_leaves_ray_and_fails_no_job():
    source = BracketSource(trials=2)

    def broken_database(job, record):
        raise OSError("disk full")

    source.on_epoch = broken_database
    with pytest.raises(OSError, match="disk full"):
        RayTuneExecutor(cpus=1, runner=by_value(quick)).run(source, never)
    assert source.results == []


@pytest.mark.exhaustive
def test_a_stop_in_the_middle_of_a_long_epoch_is_out_within_20_seconds(tmp_path):
    def long(job, on_epoch, stop):
        (tmp_path / "started").touch()
        time.sleep(600)
        return JobResult("complete", 0.5)

    stopped_at = []

    def stop():
        if (tmp_path / "started").exists():
            stopped_at.append(time.monotonic())
        return bool(stopped_at)

    source = BracketSource()
    RayTuneExecutor(cpus=1, runner=long).run(source, stop)
    assert time.monotonic() - stopped_at[0] < 20
    assert sorted(source.losses) == sorted(source.issued)
