"""Repeats and the audit, through the driver with its database: the jobs that follow the ladder."""

from collections import Counter

import optuna
import pytest

from searchctl.orchestrator.analysis.verification.evidence import read_record
from searchctl.orchestrator.analysis.verification.verify import verify
from searchctl.orchestrator.core.errors import SearchctlError
from searchctl.orchestrator.executors.inline import InlineExecutor
from searchctl.orchestrator.executors.job import train
from searchctl.orchestrator.halving.follow_up import training_seed
from searchctl.orchestrator.halving.job_key import AFTER, ALL, JobKey, key_of
from searchctl.orchestrator.run.launch import run
from searchctl.orchestrator.storage.reads import queries
from searchctl.trainer.core.results import JobResult
from tests.jobs.checkpoints import when_written
from tests.jobs.unlucky import Died

FOLLOW_UP = {"repeats": 3, "audit": 2}
SMALL = {
    "data": {
        "dataset": "scenes",
        "image_size": [24, 32],
        "native_size": [24, 32],
        "train": 16,
        "val": 4,
        "test": 2,
    },
    "training": {"width": 4, "epochs": 2, "batch_size": 4, "augment": "flips", "threads": 1},
    "space": {"lr": [0.1, 0.03, 0.01, 0.001]},
    "halving": {"repeats": 2, "audit": 1},
    "resources": {"checkpoint_every": 0},
}


def noting(runner, seen):
    def noted(job, on_epoch, stop):
        seen.append(job)
        return runner(job, on_epoch, stop)

    return noted


def saved(job, on_epoch, stop):
    """Train; report each epoch once its checkpoint is on the disk."""
    return train(job, when_written(job.out, on_epoch), stop)


def dies_in(runner, count):
    """Run so many jobs, and die in the middle of the next: after its first epoch."""
    jobs = iter(range(count))

    def mortal(job, on_epoch, stop):
        last = next(jobs, None) is None

        def tell(record):
            on_epoch(record)
            if last:
                raise Died

        return runner(job, tell, stop)

    return mortal


def jobs_of(prepared, kinds=AFTER):
    return queries.jobs(prepared.engine, prepared.row, kinds=kinds)


@pytest.fixture
def followed_up(sweeps, quick_runner):
    """A sweep with two finalists that ran to its end, and the jobs as workers saw them."""
    seen = []
    prepared, row = sweeps.launch(noting(quick_runner, seen), halving=FOLLOW_UP)
    assert row.state == "COMPLETE"
    return prepared, [job for job in seen if job.kind != "ladder"]


def test_finalists_are_trained_again_and_pruned_trials_too_on_all_of_the_data(followed_up):
    prepared, seen = followed_up
    assert Counter((job.kind, job.repeat) for job in seen) == {
        ("repeat", 1): 2,
        ("repeat", 2): 2,
        ("audit", 1): 3,
    }
    assert {job.trial for job in seen if job.kind == "repeat"} == {5, 2}
    assert {(job.rung, job.fraction, job.sample.images) for job in seen} == {(2, 1, 32)}
    stored = jobs_of(prepared)
    assert [key_of(row) for row in stored] == sorted(map(key_of, stored), key=_stored_order)
    assert {key_of(row) for row in stored} == {key_of(job) for job in seen}
    assert {row.state for row in stored} == {"COMPLETE"}


def _stored_order(key):
    return (key.kind == "audit", key.repeat, key.trial)


def test_repeats_differ_by_their_seeds_and_keep_no_weights(followed_up):
    prepared, seen = followed_up
    seed = prepared.sweep.seed
    assert len({job.sample.seed for job in seen if job.kind == "audit"} - {seed}) == 1
    for job in seen:
        assert job.sample.seed == training_seed(key_of(job), seed)
        assert (job.keep_weights, job.features) == (False, False)
        assert job.final is (job.kind == "repeat")  # the test split is for finalists
    assert len({job.sample.seed for job in seen}) == 3
    assert len({job.out for job in seen}) == len(seen)


def test_follow_up_jobs_change_neither_decisions_nor_states(followed_up, sweeps_below, tmp_path):
    prepared, _ = followed_up
    without, _ = sweeps_below(tmp_path).launch(name="without")
    for read in (queries.decisions, queries.jobs):
        rows = [
            [(row.trial, row.rung, row.score) for row in read(each.engine, each.row)]
            for each in (prepared, without)
        ]
        assert rows[0] == rows[1]
    states = [
        [row.state for row in queries.trials(each.engine, each.row)] for each in (prepared, without)
    ]
    assert states[0] == states[1]


@pytest.mark.parametrize("count", [14, 15, 17, 20])
def test_a_driver_that_died_after_the_ladder_continues_where_it_was(
    count, sweeps, quick_runner, followed_up
):
    sweep = {"name": "second", "halving": FOLLOW_UP}
    with pytest.raises(Died):
        sweeps.launch(dies_in(quick_runner, count), **sweep)
    prepared, row = sweeps.resume(name="second")
    assert row.state == "COMPLETE"
    attempts = queries.attempts(prepared.engine, prepared.row)
    assert Counter(Counter(map(key_of, attempts)).values()) == {1: 20, 2: 1}
    scores = [
        {key_of(job): job.score for job in jobs_of(p, ALL)} for p in (prepared, followed_up[0])
    ]
    assert scores[0] == scores[1]


def test_killed_and_resumed_follow_up_jobs_give_the_same_numbers_to_the_last_bit(
    sweeps, sweeps_below, tmp_path
):
    """With networks that train: from the middle of a repeat, and of the audit."""
    other = sweeps_below(tmp_path / "other")
    other.folder.mkdir()
    whole, _ = other.launch(train, **SMALL)
    with pytest.raises(Died):
        sweeps.launch(dies_in(saved, 7), **SMALL)
    with pytest.raises(Died):
        sweeps.resume(dies_in(saved, 1))
    prepared, row = sweeps.resume(train)
    assert row.state == "COMPLETE"
    numbers = [
        {key_of(job): (job.score, job.kept_epoch, job.evaluations) for job in jobs_of(each, ALL)}
        for each in (prepared, whole)
    ]
    assert numbers[0] == numbers[1]
    repeats = {key: found for key, found in numbers[0].items() if key.kind == "repeat"}
    for key, found in repeats.items():
        assert found != numbers[0][JobKey(key.trial, key.rung)]
    again = [a for a in queries.attempts(prepared.engine, row) if a.number == 2]
    assert {a.kind for a in again} == {"repeat", "audit"}
    assert {a.first_epoch for a in again} == {2}
    assert verify(read_record(prepared.engine, row)) == []
    left = {path.name for path in (sweeps.folder / "runs" / "quick").iterdir()}
    assert not [name for name in left if "repeat" in name or "audit" in name]


def test_a_stop_after_the_ladder_names_missing_jobs_and_resume_continues(sweeps, quick_runner):
    prepared = sweeps.prepare(halving=FOLLOW_UP)
    ended = []
    row = run(
        prepared,
        executor=InlineExecutor(noting(quick_runner, ended)),
        stopping=lambda: "enough" if len(ended) == 17 else None,
    )
    assert (row.state, row.error) == (
        "STOPPED",
        "enough; missing: repeats: 1 of 4 jobs; audit: 3 of 3 jobs",
    )
    _, row = sweeps.resume()
    assert (row.state, row.error) == ("COMPLETE", None)


def test_a_lost_repeat_is_retried_and_one_without_attempts_left_fails_alone(
    sweeps, quick_runner, monkeypatch
):
    monkeypatch.setattr("searchctl.orchestrator.driver.attempts.BACK_OFF_S", (0.0,))

    def unlucky(job, on_epoch, stop):
        if (job.trial, job.kind, job.repeat) == (5, "repeat", 1):
            return JobResult("lost", None, error="CUDA")
        return quick_runner(job, on_epoch, stop)

    prepared, row = sweeps.launch(unlucky, halving=FOLLOW_UP, resources={"max_attempts": 2})
    assert row.state == "COMPLETE"
    states = {key_of(job): (job.state, job.error) for job in jobs_of(prepared)}
    assert states.pop(JobKey(5, 2, "repeat", 1)) == ("FAIL", "lost 2 times: CUDA")
    assert set(states.values()) == {("COMPLETE", None)}
    assert queries.trials(prepared.engine, prepared.row)[5].state == "COMPLETE"


def test_audits_are_trials_of_their_own_in_the_study_and_never_the_best(sweeps, quick_runner):
    def better_late(job, on_epoch, stop):
        if job.kind == "audit":
            return JobResult("complete", 0.99, kept_epoch=1)
        return quick_runner(job, on_epoch, stop)

    prepared, _ = sweeps.launch(better_late, halving=FOLLOW_UP)

    def shown():
        study = optuna.load_study(study_name="quick", storage=prepared.url)
        assert study.best_trial.user_attrs["trial"] == 5
        audits = [trial for trial in study.trials if "audit_of" in trial.user_attrs]
        assert len(study.trials) == 8 + len(audits)
        return [
            (
                trial.user_attrs["audit_of"],
                trial.state.name,
                trial.intermediate_values,
                trial.params,
            )
            for trial in audits
        ]

    before = shown()
    audited = [job.trial for job in jobs_of(prepared) if job.kind == "audit"]
    params = prepared.sweep.trials()
    expected = [(trial, "PRUNED", {32: 0.99}, dict(params[trial])) for trial in audited]
    assert sorted(before) == sorted(expected)
    optuna.delete_study(study_name="quick", storage=prepared.url)
    for _ in range(2):
        sweeps.resume()
        assert sorted(shown()) == sorted(before)


def test_results_that_were_not_requested_are_not_resumed(sweeps, followed_up, sqlite_run):
    sqlite_run("UPDATE searchctl_jobs SET repeat = 7 WHERE kind = 'audit'")
    with pytest.raises(SearchctlError, match="changed by hand"):
        sweeps.resume()
