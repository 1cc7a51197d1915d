"""The contract of executors, checked on each of them; a real Ray is in test_ray_executor.py."""

import threading
import time

import pytest

from searchctl.orchestrator.executors.inline import InlineExecutor
from searchctl.orchestrator.halving.bracket import Signal
from searchctl.trainer.core.results import EpochRecord, JobResult
from tests.jobs.executors import EXECUTORS, BracketSource, never, quick


@pytest.fixture(params=EXECUTORS)
def executor(request):
    return EXECUTORS[request.param]


def test_every_job_of_the_ladder_runs_once_and_rungs_come_in_order(executor):
    source = BracketSource()
    executor(quick).run(source, never)
    assert source.bracket.finished
    assert sorted(source.issued) == sorted((rung, trial) for rung, trial, _ in source.results)
    assert len(set(source.issued)) == len(source.issued) == 6 + 3 + 2
    assert [rung for rung, _ in source.issued] == [0] * 6 + [1] * 3 + [2] * 2


def test_decisions_are_those_of_the_inline_executor(executor):
    reference, source = BracketSource(), BracketSource()
    InlineExecutor(quick).run(reference, never)
    executor(quick).run(source, never)
    assert source.decisions == reference.decisions


def test_epochs_reach_the_source_in_their_order_and_from_its_own_thread(executor):
    source = BracketSource(trials=2)
    executor(quick).run(source, never)
    for trial in (0, 1):
        assert [e for t, _, e in source.epochs if t == trial] == [1, 2]
    assert source.threads == {threading.get_ident()}


def test_an_error_in_a_job_is_a_failed_result_with_its_traceback(executor):
    def broken(job, on_epoch, stop):
        if job.trial == 1:
            raise RuntimeError("bad shape")
        return JobResult("complete", 0.5)

    source = BracketSource(trials=2)
    executor(broken).run(source, never)
    failed = {trial: result for _, trial, result in source.results}[1]
    assert (failed.status, failed.score) == ("failed", None)
    assert "RuntimeError: bad shape" in failed.error
    assert source.losses == []


def test_a_source_that_is_not_ready_is_polled_again(executor):
    source = BracketSource(trials=2)
    ready_at = time.monotonic() + 0.2
    hand_out = source.next_job
    source.next_job = lambda: Signal.WAIT if time.monotonic() < ready_at else hand_out()
    executor(quick).run(source, never)
    assert len(source.results) == 2


def test_a_lost_result_is_passed_on_with_its_error(executor):
    def out_of_memory(job, on_epoch, stop):
        if job.trial == 1:
            return JobResult("lost", None, error="OutOfMemoryError: CUDA out of memory")
        return JobResult("complete", 0.5)

    errors = []
    source = BracketSource(trials=2)

    def failed_for_good(job, error):
        errors.append(error)
        source.record(job, JobResult("failed", None, error=error))

    source.lost = failed_for_good
    executor(out_of_memory).run(source, never)
    assert errors == ["OutOfMemoryError: CUDA out of memory"]
    assert source.bracket.finished


def test_the_worker_of_each_job_is_named_before_its_epochs(executor):
    heard = []
    source = BracketSource(trials=2)
    source.started = lambda job, worker: heard.append((job.trial, worker.count(":")))
    source.on_epoch = lambda job, record: heard.append((job.trial, record.epoch))
    executor(quick).run(source, never)
    assert [each for each in heard if each[0] == 1] == [(1, 1), (1, 1), (1, 2)]


def test_a_stop_abandons_running_jobs_and_hands_out_no_more(executor):
    def endless(job, on_epoch, stop):
        for epoch in range(1, 1000):
            on_epoch(EpochRecord(epoch, 1.0, 0.1, 10, 0.05))
            if stop():
                return JobResult("stopped", None)
        return JobResult("complete", 0.5)

    source = BracketSource()
    executor(endless).run(source, lambda: len(source.epochs) > 5)
    assert source.results == []
    assert sorted(source.losses) == sorted(source.issued)
    assert 1 <= len(source.issued) <= 2


def test_an_error_of_the_source_is_raised_and_fails_no_job(executor):
    source = BracketSource(trials=2)

    def broken_database(job, record):
        raise OSError("disk full")

    source.on_epoch = broken_database
    with pytest.raises(OSError, match="disk full"):
        executor(quick).run(source, never)
    assert source.results == []
