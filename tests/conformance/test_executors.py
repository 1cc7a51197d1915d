"""What every executor must do, run against each of them; the Ray ones on one real local Ray."""

import os
import threading
import time
from contextlib import nullcontext

import pytest

from searchctl.orchestrator.core.errors import SearchctlError
from searchctl.orchestrator.executors.inline import InlineExecutor
from searchctl.orchestrator.executors.job import JobAttempt
from searchctl.orchestrator.executors.ray import tune as ray_tune
from searchctl.orchestrator.executors.ray.cluster import connected
from searchctl.orchestrator.executors.ray.tune import RayTuneExecutor
from searchctl.orchestrator.halving.bracket import Signal
from searchctl.trainer.core.results import JobResult
from searchctl.trainer.run.watchdog import watch_for_stall
from tests.executors import EXECUTORS, BracketSource, by_value, never, quick


@pytest.fixture(scope="module", autouse=True)
def one_ray():
    """A Ray for all tests, as it takes seconds to start; none of them ends it."""
    with connected(None) as head, pytest.MonkeyPatch.context() as patched:
        patched.setattr(ray_tune, "connected", lambda address: nullcontext(head))
        yield


@pytest.fixture(params=EXECUTORS)
def executor(request):
    return EXECUTORS[request.param]


def test_every_job_of_the_ladder_runs_once_and_rungs_come_in_order(executor):
    source = BracketSource()
    executor(by_value(quick)).run(source, never)
    assert source.bracket.finished
    assert sorted(source.issued) == sorted((rung, trial) for rung, trial, _ in source.results)
    assert len(set(source.issued)) == len(source.issued) == 6 + 3 + 2
    assert [rung for rung, _ in source.issued] == [0] * 6 + [1] * 3 + [2] * 2


def test_verdicts_are_those_of_the_inline_executor(executor):
    reference, source = BracketSource(), BracketSource()
    InlineExecutor(quick).run(reference, never)
    executor(by_value(quick)).run(source, never)
    assert source.decisions == reference.decisions


def test_epochs_reach_the_source_in_their_order_and_from_its_own_thread(executor):
    source = BracketSource(trials=2)
    executor(by_value(quick)).run(source, never)
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


def test_a_source_that_is_not_ready_is_asked_again(executor):
    source = BracketSource(trials=2)
    ready_at = time.monotonic() + 1
    hand_out = source.next_job
    source.next_job = lambda: Signal.WAIT if time.monotonic() < ready_at else hand_out()
    executor(by_value(quick)).run(source, never)
    assert len(source.results) == 2


def test_a_worker_that_dies_is_reported_and_its_job_comes_again(tmp_path):
    def dies_once(job, on_epoch, stop):
        mark = tmp_path / f"{job.trial}-{job.rung}"
        if job.trial == 1 and not mark.exists():
            mark.touch()
            os._exit(1)
        return JobResult("complete", float(job.trial))

    source = BracketSource(trials=4)
    RayTuneExecutor(cpus=1, runner=dies_once).run(source, never)
    assert source.losses == [(0, 1)]
    assert source.bracket.finished
    assert sorted(source.issued).count((0, 1)) == 2


def test_a_worker_that_stands_still_is_ended_and_its_job_comes_again(tmp_path):
    def hangs_once(job, on_epoch, stop):
        mark = tmp_path / f"{job.trial}-{job.rung}"
        if job.trial == 1 and not mark.exists():
            mark.touch()
            with watch_for_stall(1, stop):
                time.sleep(600)
        return JobResult("complete", float(job.trial))

    source = BracketSource(trials=2)
    RayTuneExecutor(cpus=1, runner=hangs_once).run(source, never)
    assert source.losses == [(0, 1)]
    assert source.bracket.finished


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


def test_a_lost_job_is_tried_again_in_a_fresh_process(tmp_path):
    def lost_once(job, on_epoch, stop):
        mark = tmp_path / f"{job.trial}-{job.rung}"
        if job.trial == 1 and not mark.exists():
            mark.write_text(str(os.getpid()))
            return JobResult("lost", None, error="the GPU is gone")
        return JobResult("complete", float(job.trial), sample_hash=str(os.getpid()))

    source = BracketSource(trials=4)
    RayTuneExecutor(cpus=1, runner=lost_once).run(source, never)
    assert source.losses == [(0, 1)]
    assert source.bracket.finished
    again = {(rung, trial): result.sample_hash for rung, trial, result in source.results}[0, 1]
    assert again != (tmp_path / "1-0").read_text()


def test_the_worker_of_each_job_is_named_before_its_epochs(executor):
    source = BracketSource(trials=2)
    executor(by_value(quick)).run(source, never)
    pids = {(rung, trial): result.sample_hash for rung, trial, result in source.results}
    named = {(rung, trial): worker.split(":")[1] for rung, trial, worker in source.workers}
    assert named == pids


def test_a_cluster_without_room_for_one_job_is_refused_with_the_setting_to_change():
    with pytest.raises(SearchctlError, match=r"resources\.cpus_per_trial"):
        RayTuneExecutor(cpus=10_000, runner=quick).run(BracketSource(), never)


def test_max_parallel_bounds_the_jobs_at_once():
    source = BracketSource(trials=4)
    running, most = set(), []
    start, finish = source.next_job, source.record

    def next_job():
        job = start()
        if isinstance(job, JobAttempt):
            running.add((job.trial, job.rung))
            most.append(len(running))
        return job

    def record(job, result):
        running.discard((job.trial, job.rung))
        finish(job, result)

    source.next_job, source.record = next_job, record
    RayTuneExecutor(cpus=0.5, max_parallel=1, runner=by_value(quick)).run(source, never)
    assert set(most) == {1}
