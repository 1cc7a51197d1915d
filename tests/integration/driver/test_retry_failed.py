"""Failed trials of a stored sweep that are entered again: `resume --retry-failed`."""

from dataclasses import replace

import pytest

import searchctl
from searchctl.orchestrator.analysis.verification.evidence import read_record
from searchctl.orchestrator.analysis.verification.verify import verify
from searchctl.orchestrator.core.errors import SearchctlError, SweepBusy, SweepExists, SweepFailed
from searchctl.orchestrator.driver.lease import Lease
from searchctl.orchestrator.executors.inline import InlineExecutor
from searchctl.orchestrator.run.additions.extend import Extension, extend
from searchctl.orchestrator.run.additions.retry import failed_trials, retry_failed
from searchctl.orchestrator.run.launch import run
from searchctl.orchestrator.run.preparation.prepare import prepare
from searchctl.orchestrator.run.resume import prepare_resume
from searchctl.orchestrator.storage.reads import queries
from searchctl.trainer.core.results import JobResult


@pytest.fixture
def runner(quick_runner):
    """Makes a runner whose jobs of some trials fail or diverge."""

    def make(fail=(), diverge=()):
        def some(job, on_epoch, stop):
            if job.trial in fail:
                return JobResult("failed", None, error="no such file")
            if job.trial in diverge:
                return JobResult("diverged", None)
            return quick_runner(job, on_epoch, stop)

        return some

    return make


def decisions(engine, row):
    return {(each.trial, each.rung): each for each in queries.decisions(engine, row)}


def test_trials_of_a_closed_rung_become_a_cohort_and_no_decision_changes(sweeps, runner):
    prepared, row = sweeps.launch(runner(fail={1, 5, 6}, diverge={2}))
    engine, before = prepared.engine, decisions(prepared.engine, row)
    failed, cohort = retry_failed(engine, row)
    assert (failed.open, failed.closed, failed.diverged) == ([], [1, 5, 6], [2])
    assert (cohort.number, cohort.trials, cohort.request) == (1, 3, 1)
    assert queries.find_sweep(engine, "quick").state == "STOPPED"
    _, row = sweeps.resume(runner())
    assert row.state == "COMPLETE"
    after = decisions(engine, row)
    assert before.items() <= after.items()
    first = {each.number: each for each in queries.trials(engine, row)}
    assert [first[new].params for new in (8, 9, 10)] == [first[old].params for old in (1, 5, 6)]
    assert [first[new].cohort for new in (8, 9, 10)] == [1, 1, 1]
    assert {after[trial, 0].cohort for trial in (8, 9, 10)} == {3}
    assert failed_trials(engine, row).closed == []


def test_a_job_of_an_open_rung_is_trained_again_on_it(sweeps, runner):
    prepared, ended = sweeps.prepare(), []
    some = runner(fail={0})

    def counted(job, on_epoch, stop):
        ended.append(job.trial)
        return some(job, on_epoch, stop)

    def stopping():
        return "enough" if len(ended) > 3 else None

    row = run(prepared, executor=InlineExecutor(counted), stopping=stopping)
    engine = prepared.engine
    assert (row.state, decisions(engine, row)) == ("STOPPED", {})
    failed, cohort = retry_failed(engine, row)
    assert ([key.trial for key in failed.open], failed.closed, cohort) == ([0], [], None)
    assert queries.jobs(engine, row, 0)[0].state == "WAITING"
    _, row = sweeps.resume(runner())
    assert {each.verdict for each in decisions(engine, row).values()} == {
        "promoted",
        "pruned",
        "complete",
    }
    outcomes = [each.outcome for each in queries.attempts(engine, row, 0)]
    assert outcomes[:2] == ["failed", "complete"]


def test_a_sweep_without_any_score_ends_well_once_the_cause_is_gone(sweeps, runner):
    with pytest.raises(SweepFailed):
        sweeps.launch(runner(fail=range(8)))
    engine = prepare_resume("quick", sweeps.url).engine
    row = queries.find_sweep(engine, "quick")
    with pytest.raises(SearchctlError, match="resume quick --retry-failed"):
        extend(engine, row, Extension(4))
    retry_failed(engine, row)
    _, row = sweeps.resume(runner())
    assert (row.state, row.trials, row.points) == ("COMPLETE", 16, 8)


def test_a_retry_that_is_stopped_is_resumed_and_one_that_fails_can_be_retried(sweeps, runner):
    prepared, row = sweeps.launch(runner(fail={1, 5, 6}))
    engine, jobs = prepared.engine, []
    retry_failed(engine, row)
    some = runner(fail={9})

    def counted(job, on_epoch, stop):
        jobs.append(job.trial)
        return some(job, on_epoch, stop)

    row = run(
        prepare_resume("quick", sweeps.url),
        executor=InlineExecutor(counted),
        stopping=lambda: "enough" if jobs else None,
    )
    assert row.state == "STOPPED"
    assert sweeps.resume(some)[1].state == "COMPLETE"
    assert failed_trials(engine, row).closed == [9]
    retry_failed(engine, row)
    _, row = sweeps.resume(runner())
    assert queries.cohorts(engine, row)[2].retried == [9]
    trials = {each.number: each.params for each in queries.trials(engine, row)}
    assert trials[11] == trials[9] == trials[5]


def test_without_a_failed_trial_nothing_is_stored(sweeps, runner):
    prepared, row = sweeps.launch(runner(diverge={2}))
    failed, cohort = retry_failed(prepared.engine, row)
    assert (failed.open, failed.closed, failed.diverged, cohort) == ([], [], [2], None)
    assert queries.find_sweep(prepared.engine, "quick").state == "COMPLETE"


def test_a_running_sweep_is_refused(sweeps):
    prepared = sweeps.prepare()
    with Lease(prepared.engine, prepared.row.id):
        row = queries.find_sweep(prepared.engine, "quick")
        with pytest.raises(SweepBusy, match=r"stop it first .* then retry its failed trials"):
            retry_failed(prepared.engine, row)


def test_the_space_of_a_retried_sweep_has_as_many_other_points_as_before(sweeps, runner):
    search = {"method": "random", "trials": 4}
    prepared, row = sweeps.launch(runner(fail={1}), search=search)
    retry_failed(prepared.engine, row)
    row = sweeps.resume(runner())[1]
    assert (row.trials, row.retried, row.points) == (5, 1, 4)
    assert [each.trials for each in extend(prepared.engine, row, Extension(4))] == [4]


def test_a_resume_with_nothing_to_do_says_what_could_be_added(sweeps, runner):
    sweeps.launch(runner(fail={1, 5}))
    (note,) = prepare_resume("quick", sweeps.url).notes
    assert "nothing is left to train" in note
    assert "`searchctl extend quick --trials N` adds trials" in note
    assert "`searchctl resume quick --retry-failed` enters 2 failed trials again" in note


def test_a_launch_of_an_ended_sweep_with_other_settings_does_not_lead_to_resume(sweeps, runner):
    sweeps.launch(runner())
    with pytest.raises(SweepExists) as refused:
        prepare(sweeps.sweep({"lr": [0.1, 0.2]}), sweeps.url)
    assert "resume" not in str(refused.value)
    assert "it has ended" in str(refused.value)


def test_a_retried_known_point_stays_on_the_ladder_to_the_end(sweeps, runner):
    known = [{"lr": 0.1, "weight_decay": 0}]
    search = {"method": "random", "trials": 8, "known": known, "known_share": 0}
    halving = {"protect_known": True, "finalists": 1}
    prepared, row = sweeps.launch(runner(fail=range(6)), search=search, halving=halving)
    retry_failed(prepared.engine, row)
    _, row = sweeps.resume(worst_is(8, runner()))
    again = queries.trials(prepared.engine, row, [8])[0]
    assert (again.params, again.origin, again.cohort) == (known[0], "known", 1)
    found = decisions(prepared.engine, row)
    rungs = [rung["trials"] for rung in queries.cohorts(prepared.engine, row)[1].ladder]
    assert rungs == [6, 4, 2]  # beside 3 and 1 others
    assert [found[8, rung].verdict for rung in range(3)] == ["promoted", "promoted", "complete"]
    assert all(found[8, rung].spared for rung in range(2))
    wrong = [each.what for each in verify(read_record(prepared.engine, row))]
    assert not {"verdict", "rank", "kept", "reason"} & {*wrong}
    assert sweeps.resume(runner())[1].state == "COMPLETE"  # the stored decisions follow again


def worst_is(trial, runner):
    def run_it(job, on_epoch, stop):
        result = runner(job, on_epoch, stop)
        return replace(result, score=0.0) if job.trial == trial else result

    return run_it


def test_failed_trials_are_retried_from_python(sweeps, runner, tmp_path):
    yaml = (
        f"name: quick\nstorage: {{runs: {tmp_path}/runs}}\n"
        "data: {dataset: scenes, image_size: [24, 32], native_size: [24, 32], train: 8, val: 2, "
        "test: 2}\ntraining: {width: 4, batch_size: 4, epochs: 1}\nspace: {lr: [0.1, 0.01]}\n"
    )
    (tmp_path / "sweep.yaml").write_text(yaml)
    prepared = prepare(searchctl.load_sweep(tmp_path / "sweep.yaml"), sweeps.url)
    run(prepared, executor=InlineExecutor(runner(fail={1})))
    stored = searchctl.open_sweep("quick", db=sweeps.url)
    stored.resume(inline=True)
    assert failed_trials(stored.engine, prepared.row).closed == [1]
    stored.resume(retry_failed=True, inline=True)
    assert stored.state == "COMPLETE"
    assert failed_trials(stored.engine, prepared.row).closed == []
