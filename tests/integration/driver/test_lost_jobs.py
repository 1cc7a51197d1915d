"""Jobs that are lost, lack memory or meet a fault of all trials: how often they are retried."""

import pytest

from searchctl.orchestrator.core.errors import SweepBlocked
from searchctl.orchestrator.executors.inline import InlineExecutor
from searchctl.orchestrator.run.launch import run
from searchctl.orchestrator.run.preparation.prepare import prepare
from searchctl.orchestrator.storage.reads import queries
from searchctl.trainer.core.results import EpochRecord, JobResult
from tests.jobs.unlucky import Died, LosingExecutor, dies_at, out_of_memory
from tests.sweeps.driven_sweeps import attempts, stored


def test_a_job_that_shares_a_gpu_is_tried_again_with_a_whole_one_and_then_with_half_a_batch(
    sweeps, quick_runner
):
    def runner(job, on_epoch, stop):
        if job.trial == 3 and job.rung == 0 and job.batch is None:
            return JobResult("out_of_memory", None, error="CUDA", batch_statistics=False)
        return quick_runner(job, on_epoch, stop)

    sharing = sweeps.sweep(resources={"gpus_per_trial": 0.5})
    prepared = prepare(sharing, sweeps.url, inline=True)
    row = run(prepared, executor=InlineExecutor(runner))
    assert row.state == "COMPLETE"
    tries = [each for each in queries.attempts(prepared.engine, row, 3) if each.rung == 0]
    assert [(each.outcome, each.gpus) for each in tries] == [
        ("out_of_memory", 0.5),
        ("out_of_memory", 1),
        ("complete", 1),
    ]
    others = queries.attempts(prepared.engine, row, [0, 1, 2])
    assert {each.gpus for each in others} == {0.5}
    (first, *_) = queries.jobs(prepared.engine, row, 3)
    assert first.batch == {"batch_size": 1, "accumulate": 2}


def test_a_lost_job_is_issued_again_as_its_second_attempt(sweeps, quick_runner, undisturbed):
    lost = {(3, 0): 1, (5, 1): 1}
    prepared, row = sweeps.launch(executor=LosingExecutor(quick_runner, lost))
    assert row.state == "COMPLETE"
    assert {job for job, tries in attempts(prepared).items() if tries == 2} == set(lost)
    errors = [(a.number, a.error) for a in queries.attempts(prepared.engine, prepared.row, 3)]
    assert errors == [(1, "the worker died"), (2, None)]
    assert stored(prepared) == undisturbed


def test_a_job_that_is_lost_too_often_fails_its_trial_with_the_error(sweeps, quick_runner):
    executor = LosingExecutor(quick_runner, {(5, 0): 9})
    resources = {"max_attempts": 2}
    prepared, row = sweeps.launch(executor=executor, resources=resources)
    assert row.state == "COMPLETE"
    (job,) = queries.jobs(prepared.engine, prepared.row, 5)
    assert (job.state, job.error) == ("FAIL", "lost 2 times: the worker died")
    assert attempts(prepared)[5, 0] == 2
    assert queries.trials(prepared.engine, prepared.row)[5].state == "FAIL"
    assert [d.verdict for d in stored(prepared) if d.trial == 5] == ["failed"]


def test_out_of_memory_is_retried_and_its_traceback_is_kept(sweeps, quick_runner, undisturbed):
    prepared, row = sweeps.launch(out_of_memory(quick_runner, 1, 3, 5))
    assert row.state == "COMPLETE"
    first, second, *_ = queries.attempts(prepared.engine, prepared.row, 3)
    assert (first.outcome, second.outcome) == ("lost", "complete")
    assert "Traceback: line 7" in first.error
    assert stored(prepared) == undisturbed


def unlucky(runner, status, trials, error):
    def run(job, on_epoch, stop):
        if job.trial in trials:
            return JobResult(status, None, error=error)
        return runner(job, on_epoch, stop)

    return run


@pytest.mark.parametrize(("status", "tries"), [("blocked", 3), ("unusable", 1)])
def test_a_fault_shared_by_all_trials_stops_the_sweep_and_fails_none(
    status, tries, sweeps, quick_runner, undisturbed, monkeypatch
):
    monkeypatch.setattr("searchctl.orchestrator.driver.attempts.BACK_OFF_S", (0.0,))
    prepared = sweeps.prepare()
    unlucky_runner = unlucky(quick_runner, status, [2], "OSError: disk full\n\nTraceback: x")
    with pytest.raises(
        SweepBlocked, match=r"^OSError: disk full\nthis is not a trial's fault.*resume"
    ):
        run(prepared, executor=InlineExecutor(unlucky_runner))
    outcomes = [a.outcome for a in queries.attempts(prepared.engine, prepared.row, 2)]
    assert outcomes == ["stopped"] * tries
    row = queries.find_sweep(prepared.engine, "quick")
    assert row.state == "STOPPED"
    assert row.error.startswith("OSError: disk full; missing: rung 0: ")
    sweeps.resume()
    assert stored(prepared) == undisturbed


def test_losses_are_counted_over_all_drivers_and_stops_are_not(sweeps, quick_runner):
    prepared = sweeps.prepare(resources={"max_attempts": 3})
    with pytest.raises(Died):  # in trial 6, while trial 5 waits for its third attempt
        run(prepared, executor=LosingExecutor(dies_at(quick_runner, 5), {(5, 0): 2}))
    _, row = sweeps.resume(out_of_memory(quick_runner, 1, 5))
    outcomes = {
        trial: [a.outcome for a in queries.attempts(prepared.engine, row, trial)][:3]
        for trial in (5, 6)
    }
    assert outcomes[5] == ["lost", "lost", "failed"]
    assert outcomes[6][:2] == ["stopped", "complete"]


def test_a_job_that_gets_further_may_be_lost_any_number_of_times(sweeps, quick_runner, monkeypatch):
    monkeypatch.setattr("searchctl.orchestrator.driver.attempts.BACK_OFF_S", (0.0,))
    tries = []

    def taken_after_each_epoch(job, on_epoch, stop):
        if (job.trial, job.rung) != (2, 0):
            return quick_runner(job, on_epoch, stop)
        tries.append(job.token)
        if len(tries) < 6:
            on_epoch(EpochRecord(len(tries), 1.0, 0.1, 8, 0.0))
            return JobResult("lost", None, error="the node was taken")
        return JobResult("lost", None, error="no memory")

    prepared, _ = sweeps.launch(taken_after_each_epoch, resources={"max_attempts": 2})
    job = next(job for job in queries.jobs(prepared.engine, prepared.row, 2) if job.rung == 0)
    assert len(tries) == 6  # the fifth got further too: the sixth is the second in a row
    assert (job.state, job.error) == ("FAIL", "lost 2 times: no memory")


def test_a_lost_job_waits_for_its_back_off_alone(sweeps, quick_runner, monkeypatch):
    monkeypatch.setattr("searchctl.orchestrator.driver.attempts.BACK_OFF_S", (3600.0,))
    order = []

    def noting(job, on_epoch, stop):
        order.append(job.trial)
        lost = out_of_memory(quick_runner, 1, 2) if order.count(2) == 1 else quick_runner
        return lost(job, on_epoch, stop)

    prepared = sweeps.prepare()
    run(
        prepared,
        executor=InlineExecutor(noting),
        stopping=lambda: "enough" if order[-1:] == [7] else None,
    )
    assert order == [0, 1, 2, 3, 4, 5, 6, 7]  # the others did not wait for trial 2
