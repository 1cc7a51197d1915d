"""What every executor must do, run against each of them; the Ray ones start a real local Ray."""

import os
import threading
import time
from fractions import Fraction

import pytest
from upath import UPath

from orchestrator.bracket import Bracket, BracketJob, Signal
from orchestrator.errors import SearchctlError
from orchestrator.executors.inline import InlineExecutor
from orchestrator.executors.ray_tune import RayTuneExecutor
from orchestrator.halving import Outcome, plan_ladder
from orchestrator.job import Job
from searchspace import Params
from trainer.data_settings import Sample, ScenesData
from trainer.inference_settings import AS_VALIDATED
from trainer.results import EpochRecord, JobResult
from trainer.settings import TrainSettings
from trainer.standstill import ending_a_standstill

EXECUTORS = {
    "inline": InlineExecutor,
    "ray": lambda runner: RayTuneExecutor(cpus=1, runner=runner),
}


@pytest.fixture(params=EXECUTORS)
def executor(request):
    return EXECUTORS[request.param]


class BracketSource:
    """A driver without a database: a bracket, and notes of all that it is told."""

    def __init__(self, trials=6, images=60):
        self.bracket = Bracket(plan_ladder(trials, images), "maximize")
        self.issued, self.results, self.epochs, self.losses, self.decisions = [], [], [], [], []
        self.workers, self.waits = [], []
        self.threads = set()

    def next_job(self):
        self.threads.add(threading.get_ident())
        slot = self.bracket.next_job()
        if not isinstance(slot, BracketJob):
            return slot
        self.issued.append((slot.rung.number, slot.trial))
        return Job(
            trial=slot.trial,
            rung=slot.rung.number,
            token="0",
            params=Params({"lr": 0.1 * (slot.trial + 1)}),
            settings=TrainSettings(),
            sample=Sample(ScenesData(dataset="scenes"), slot.rung.images, 0),
            fraction=Fraction(slot.rung.fraction),
            score="val_miou",
            out=UPath("unused"),
            resume_from=(),
            final=False,
            inference=AS_VALIDATED,
            features=False,
            keep_weights=False,
            init_from=None,
            encoder_from=None,
            gpus=0,
        )

    def started(self, job, worker):
        self.workers.append((job.rung, job.trial, worker))

    def on_epoch(self, job, record):
        self.epochs.append((job.trial, job.rung, record.epoch))

    def record(self, job, result):
        self.threads.add(threading.get_ident())
        if result.status in ("lost", "stopped"):
            self.lost(job, result.error or "stopped")
            return
        self.results.append((job.rung, job.trial, result))
        outcome = Outcome(job.trial, job.rung, result.score, failed=result.status == "failed")
        self.decisions += self.bracket.record(outcome)

    def waiting(self, waiting):
        self.waits.append(waiting)

    def lost(self, job, error):
        self.losses.append((job.rung, job.trial))
        if error != "stopped":
            self.bracket.release(job.trial)


def never():
    return False


def quick(job, on_epoch, stop):
    for epoch in (1, 2):
        on_epoch(EpochRecord(epoch, 1.0, job.params["lr"], job.sample.images, 0.0))
    return JobResult("complete", (job.trial * 5 + job.rung) % 7, sample_hash=str(os.getpid()))


def by_value(function):
    """Return a function that workers get as code: they cannot import the tests."""
    import ray.cloudpickle

    ray.cloudpickle.register_pickle_by_value(__import__("sys").modules[function.__module__])
    return function


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
            with ending_a_standstill(1, stop):
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


def test_a_cluster_without_room_for_one_job_is_refused_with_the_setting_to_change():
    with pytest.raises(SearchctlError, match=r"resources\.cpus_per_trial"):
        RayTuneExecutor(cpus=10_000, runner=quick).run(BracketSource(), never)


def test_max_parallel_bounds_the_jobs_at_once():
    source = BracketSource(trials=4)
    running, most = set(), []
    start, finish = source.next_job, source.record

    def next_job():
        job = start()
        if isinstance(job, Job):
            running.add((job.trial, job.rung))
            most.append(len(running))
        return job

    def record(job, result):
        running.discard((job.trial, job.rung))
        finish(job, result)

    source.next_job, source.record = next_job, record
    RayTuneExecutor(cpus=0.5, max_parallel=1, runner=by_value(quick)).run(source, never)
    assert set(most) == {1}
