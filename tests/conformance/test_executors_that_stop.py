"""How every executor leaves before its time; the Ray ones end the Ray that they started."""

import os
import time

import pytest

from searchctl.orchestrator.executors.ray.tune import RayTuneExecutor
from searchctl.trainer.core.results import EpochRecord, JobResult
from tests.executors import EXECUTORS, BracketSource, by_value, never, quick


@pytest.fixture(params=EXECUTORS)
def executor(request):
    return EXECUTORS[request.param]


def test_a_stop_abandons_running_jobs_and_hands_out_no_more(executor):
    def endless(job, on_epoch, stop):
        for epoch in range(1, 1000):
            time.sleep(0.05)
            on_epoch(EpochRecord(epoch, 1.0, 0.1, 10, 0.05))
            if stop():
                return JobResult("stopped", None)
        return JobResult("complete", 0.5)

    source = BracketSource()
    executor(endless).run(source, lambda: len(source.epochs) > 5)
    assert source.results == []
    assert sorted(source.losses) == sorted(source.issued)
    assert 1 <= len(source.issued) <= (os.cpu_count() or 1)


def test_an_error_of_the_source_passes_through_and_blames_no_job(executor):
    source = BracketSource(trials=2)

    def broken_database(job, record):
        raise OSError("disk full")

    source.on_epoch = broken_database
    with pytest.raises(OSError, match="disk full"):
        executor(by_value(quick)).run(source, never)
    assert source.results == []


def test_a_stop_in_the_middle_of_a_long_epoch_is_out_within_20_seconds(tmp_path):
    def long(job, on_epoch, stop):
        (tmp_path / "begun").touch()
        time.sleep(600)
        return JobResult("complete", 0.5)

    stopped_at = []

    def stop():
        if (tmp_path / "begun").exists():
            stopped_at.append(time.monotonic())
        return bool(stopped_at)

    source = BracketSource()
    RayTuneExecutor(cpus=1, runner=long).run(source, stop)
    assert time.monotonic() - stopped_at[0] < 20
    assert sorted(source.losses) == sorted(source.issued)
