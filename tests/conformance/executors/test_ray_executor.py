"""The executor on a real Ray: what only processes of their own can show."""

import os
import threading
import time

import pytest

from searchctl.orchestrator.core.errors import SearchctlError
from searchctl.orchestrator.executors.inline import InlineExecutor
from searchctl.orchestrator.executors.job import JobAttempt
from searchctl.orchestrator.executors.ray.tune import RayTuneExecutor
from searchctl.trainer.core.results import JobResult
from searchctl.trainer.run.watchdog import watch_for_stall
from tests.jobs.executors import BracketSource, by_value, never, quick
from tests.servers.one_ray import shared_ray

pytestmark = pytest.mark.xdist_group("ray")


@pytest.fixture(scope="module")
def one_ray():
    with shared_ray():
        yield


def test_a_ladder_through_ray_decides_as_in_one_process(one_ray):
    reference, source = BracketSource(), BracketSource()
    InlineExecutor(quick).run(reference, never)
    RayTuneExecutor(cpus=1, runner=by_value(quick)).run(source, never)
    assert source.decisions == reference.decisions
    assert source.threads == {threading.get_ident()}
    assert all(
        [e for t, r, e in source.epochs if (r, t) == number] == [1, 2] for number in source.issued
    )
    pids = {(rung, trial): result.sample_hash for rung, trial, result in source.results}
    named = {(rung, trial): worker.split(":")[1] for rung, trial, worker in source.workers}
    assert named == pids
    assert str(os.getpid()) not in pids.values()


def test_a_dying_job_ends_no_other_and_is_retried_in_a_fresh_process(one_ray, tmp_path):
    def troubled(job, on_epoch, stop):
        mark = tmp_path / str(job.trial)  # trial 2 climbs, and is lost at its first rung only
        again = mark.exists()
        mark.write_text(str(os.getpid()))
        if job.trial == 0:
            raise RuntimeError("bad shape")
        if job.trial == 1 and not again:
            os._exit(1)
        if job.trial == 2 and not again:
            return JobResult("lost", None, error=str(os.getpid()))
        return JobResult("complete", float(job.trial), sample_hash=str(os.getpid()))

    source, errors = BracketSource(trials=4), []
    lose = source.lost
    source.lost = lambda job, error: (errors.append((job.trial, error)), lose(job, error))
    RayTuneExecutor(cpus=1, runner=troubled).run(source, never)
    assert source.bracket.finished
    assert sorted(source.losses) == [(0, 1), (0, 2)]
    assert "the worker died" in dict(errors)[1]
    results = {(rung, trial): result for rung, trial, result in source.results}
    assert "RuntimeError: bad shape" in results[0, 0].error
    assert results[0, 2].sample_hash != dict(errors)[2]


def test_max_parallel_bounds_the_jobs_at_once(one_ray):
    source = BracketSource(trials=2)
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


def test_a_cluster_without_room_for_one_job_is_refused_with_the_setting_to_change(one_ray):
    with pytest.raises(SearchctlError, match=r"resources\.cpus_per_trial"):
        RayTuneExecutor(cpus=10_000, runner=quick).run(BracketSource(), never)


@pytest.mark.exhaustive
def test_a_worker_that_hangs_is_ended_and_its_job_is_retried(one_ray, tmp_path):
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
