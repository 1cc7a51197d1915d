"""The driver with its database: what is stored, what a death leaves, what resume makes of it."""

from collections import Counter

import pytest
from sqlalchemy import text

from searchctl.orchestrator.config.load import load_sweep
from searchctl.orchestrator.core.errors import SearchctlError, SweepBlocked, SweepFailed
from searchctl.orchestrator.executors.inline import InlineExecutor
from searchctl.orchestrator.halving.bracket import Signal
from searchctl.orchestrator.run.launch import run
from searchctl.orchestrator.run.preparation.prepare import prepare
from searchctl.orchestrator.run.resume import prepare_resume
from searchctl.orchestrator.storage.reads import queries
from searchctl.trainer.core.results import EpochRecord, JobResult


class Died(BaseException):
    """The process ends here: no later code runs."""


class LosingExecutor:
    """Runs jobs as the inline executor does, but loses some attempts with their workers."""

    def __init__(self, runner, lost):
        self._runner, self._lost = runner, Counter(lost)

    def run(self, source, stop):
        while (job := source.next_job()) is not Signal.DONE:
            if self._lost[job.trial, job.rung]:
                self._lost[job.trial, job.rung] -= 1
                source.lost(job, "the worker died")
            else:
                source.record(job, self._runner(job, lambda record: None, never))


def never():
    return False


def dies_at(runner, count):
    """Run so many jobs, and die in the next."""
    jobs = iter(range(count))

    def run(job, on_epoch, stop):
        if next(jobs, None) is None:
            raise Died
        return runner(job, on_epoch, stop)

    return run


def diverging(runner, *trials):
    def run(job, on_epoch, stop):
        if job.trial in trials:
            return JobResult("diverged", None, error="the loss is nan in epoch 1")
        return runner(job, on_epoch, stop)

    return run


def stored(prepared):
    return queries.decisions(prepared.engine, prepared.row)


def attempts(prepared):
    rows = queries.attempts(prepared.engine, prepared.row)
    return Counter((row.trial, row.rung) for row in rows)


@pytest.fixture(scope="module")
def undisturbed(sweeps_below, tmp_path_factory):
    prepared, _ = sweeps_below(tmp_path_factory.mktemp("undisturbed")).launch()
    return stored(prepared)


def test_a_sweep_ends_complete_with_a_decision_on_every_job(sweeps):
    prepared, row = sweeps.launch()
    assert (row.state, row.error) == ("COMPLETE", None)
    outcomes = Counter((d.rung, d.verdict) for d in stored(prepared))
    assert outcomes == {
        (0, "promoted"): 4,
        (0, "pruned"): 4,
        (1, "promoted"): 2,
        (1, "pruned"): 2,
        (2, "complete"): 2,
    }
    assert {d.trial for d in stored(prepared) if d.rung == 2} == {5, 2}


def test_a_result_and_the_decisions_that_it_completes_are_one_transaction(sweeps, undisturbed):
    prepared = sweeps.prepare()
    refusal = (
        "CREATE TRIGGER full BEFORE INSERT ON searchctl_decisions WHEN NEW.rank = 3 "
        "BEGIN SELECT RAISE(ABORT, 'disk full'); END"
    )
    with prepared.engine.begin() as connection:
        connection.execute(text(refusal))
    with pytest.raises(Exception, match="disk full"):
        sweeps.resume()
    states = Counter(job.state for job in queries.jobs(prepared.engine, prepared.row))
    assert states == {"COMPLETE": 7, "RUNNING": 1}  # the rung's last result went with its decisions
    assert stored(prepared) == []
    with prepared.engine.begin() as connection:
        connection.execute(text("DROP TRIGGER full"))
    sweeps.resume()
    assert stored(prepared) == undisturbed


@pytest.mark.parametrize("count", [0, 7, 8, 13])
def test_a_driver_that_died_between_two_results_resumes_to_the_same_decisions(
    count, sweeps, quick_runner, undisturbed
):
    with pytest.raises(Died):
        sweeps.launch(dies_at(quick_runner, count))
    prepared, row = sweeps.resume()
    assert row.state == "COMPLETE"
    assert stored(prepared) == undisturbed
    again = [job for job, tries in attempts(prepared).items() if tries > 1]
    assert len(again) == 1  # the job in which it died
    assert sum(attempts(prepared).values()) == 8 + 4 + 2 + 1


def test_a_stop_is_no_loss_and_resume_continues(sweeps, quick_runner, undisturbed):
    prepared = sweeps.prepare()
    reasons = iter([None] * 8)
    executor = InlineExecutor(quick_runner)
    row = run(prepared, executor=executor, stopping=lambda: next(reasons, "enough"))
    assert row.state == "STOPPED"
    assert len(stored(prepared)) < len(undisturbed)
    sweeps.resume()
    assert stored(prepared) == undisturbed


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


def out_of_memory(runner, times, *trials):
    """Run jobs, but let those of some trials run out of GPU memory so many times."""
    left = Counter(dict.fromkeys(trials, times))

    def run(job, on_epoch, stop):
        if left[job.trial]:
            left[job.trial] -= 1
            return JobResult("lost", None, error="OutOfMemoryError: CUDA\n\nTraceback: line 7")
        return runner(job, on_epoch, stop)

    return run


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


def test_an_attempt_may_continue_from_all_earlier_ones_the_newest_first(
    sweeps, quick_runner, monkeypatch
):
    monkeypatch.setattr("searchctl.orchestrator.driver.attempts.BACK_OFF_S", (0.0,))
    issued = []

    def noting(job, on_epoch, stop):
        if (job.trial, job.rung) == (2, 0):
            issued.append(job)
        return out_of_memory(quick_runner, len(issued) < 4, 2)(job, on_epoch, stop)

    sweeps.launch(noting, resources={"max_attempts": 9}, executor=None)
    assert [len(job.resume_from) for job in issued] == [0, 1, 2, 3]
    assert issued[3].resume_from == tuple(job.out for job in reversed(issued[:3]))


def test_diverged_trials_fail_and_are_never_promoted(sweeps, quick_runner):
    prepared, row = sweeps.launch(diverging(quick_runner, 5, 2, 7, 4, 1, 6, 3))
    assert row.state == "COMPLETE"
    trials = queries.trials(prepared.engine, prepared.row)
    assert [t.state for t in trials] == ["COMPLETE"] + ["FAIL"] * 7
    assert {d.trial for d in stored(prepared) if d.rung} == {0}
    errors = {job.error for job in queries.jobs(prepared.engine, prepared.row, 5)}
    assert errors == {"the loss is nan in epoch 1"}


def test_a_sweep_without_any_score_fails_with_the_first_error(sweeps, quick_runner):
    shown = r"\(see `searchctl show quick 0`\)\ntrial 0: the loss is nan"
    with pytest.raises(SweepFailed, match=f"none of 8 trials.*{shown}"):
        sweeps.launch(diverging(quick_runner, *range(8)))
    (row,) = queries.list_sweeps(sweeps.prepare(name="other").engine)[1:]
    assert (row.name, row.state) == ("quick", "FAIL")
    assert "the loss is nan in epoch 1" in row.error


def test_resuming_a_failed_sweep_reports_the_same_error(sweeps, quick_runner):
    messages = []
    for start in (sweeps.launch, sweeps.resume):
        with pytest.raises(SweepFailed) as caught:
            start(diverging(quick_runner, *range(8)))
        messages.append(str(caught.value))
    assert messages[0] == messages[1]


def test_an_error_in_a_job_is_quoted_by_its_last_line(sweeps):
    def broken(job, on_epoch, stop):
        raise RuntimeError("no such layer")

    with pytest.raises(SweepFailed, match=r"trial 0: RuntimeError: no such layer$"):
        sweeps.launch(broken)


def test_warm_hands_the_weights_of_the_rung_below_to_the_next_job(sweeps, quick_runner):
    given = {}

    def noting(job, on_epoch, stop):
        given[job.trial, job.rung] = job
        return quick_runner(job, on_epoch, stop)

    with pytest.raises(Died):  # in the third job of rung 1: what is given must survive a resume
        sweeps.launch(dies_at(noting, 10), halving={"continue": "warm"})
    sweeps.resume(noting)
    assert {job.init_from for (_, rung), job in given.items() if rung == 0} == {None}
    for (trial, rung), job in given.items():
        assert job.keep_weights
        if rung:
            assert job.init_from == given[trial, rung - 1].out / "model.safetensors"


def test_retrain_starts_from_scratch_and_keeps_finalists_weights_only(sweeps, quick_runner):
    seen = []
    sweeps.launch(lambda job, on_epoch, stop: seen.append(job) or quick_runner(job, on_epoch, stop))
    assert {job.init_from for job in seen} == {None}
    assert {(job.rung, job.keep_weights, job.final) for job in seen} == {
        (0, False, False),
        (1, False, False),
        (2, True, True),
    }


def test_every_attempt_has_a_directory_of_its_own(sweeps, quick_runner):
    places = []

    def noting(job, on_epoch, stop):
        places.append(job.out)
        return quick_runner(job, on_epoch, stop)

    executor = LosingExecutor(noting, {})
    sweeps.launch(executor=executor)
    assert len(set(places)) == len(places) == 14
    assert all(place.is_relative_to(sweeps.folder / "runs" / "quick") for place in places)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE searchctl_decisions SET verdict = 'pruned' WHERE rank = 1 AND rung = 0",
        "UPDATE searchctl_jobs SET score = 0.99 WHERE trial_id = 1 AND rung = 0",
        "DELETE FROM searchctl_decisions WHERE rank = 4",
        "UPDATE searchctl_jobs SET score = 0.999 WHERE trial_id = 4 AND rung = 0",
    ],
)
def test_a_sweep_changed_by_hand_is_not_resumed(change, sweeps, quick_runner):
    with pytest.raises(Died):
        sweeps.launch(dies_at(quick_runner, 9))
    engine = sweeps.prepare(name="other").engine
    with engine.begin() as connection:
        assert connection.execute(text(change)).rowcount
    with pytest.raises(SearchctlError, match="changed by hand"):
        sweeps.resume()


def test_a_changed_data_set_is_not_resumed(sweeps, quick_runner):
    with pytest.raises(Died):
        sweeps.launch(dies_at(quick_runner, 2))
    engine = sweeps.prepare(name="other").engine
    with engine.begin() as connection:
        connection.execute(text("UPDATE searchctl_sweeps SET data_fingerprint = 'other'"))
    with pytest.raises(SearchctlError, match="not those that 'quick' was launched on"):
        sweeps.resume()


def test_resume_takes_the_resources_that_the_file_has_today(sweeps):
    source = sweeps.folder / "sweep.yaml"
    text = "name: quick\ndata: {dataset: scenes}\nspace: {lr: [0.1, 0.01]}\n"
    source.write_text(text)
    launched = load_sweep(source)
    prepare(launched, sweeps.url, source)
    source.write_text(text + "resources: {max_parallel: 3}\n")
    resumed = prepare_resume("quick", sweeps.url).sweep
    assert resumed.resources.max_parallel == 3
    assert resumed.spec() == launched.spec()
    assert resumed.storage == launched.storage
