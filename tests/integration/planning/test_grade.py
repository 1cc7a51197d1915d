"""Plans of small sweeps, compared with what happened."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner

from searchctl.orchestrator.cli.main import cli
from searchctl.orchestrator.config.sweep import Sweep
from searchctl.orchestrator.executors.inline import InlineExecutor
from searchctl.orchestrator.executors.job import train
from searchctl.orchestrator.planning.grade import grade
from searchctl.orchestrator.planning.probing import probe as probing
from searchctl.orchestrator.planning.probing.estimating import estimate_sweep
from searchctl.orchestrator.planning.retries import busy_seconds, faults
from searchctl.orchestrator.run.launch import run
from searchctl.orchestrator.run.preparation.prepare import prepare
from searchctl.orchestrator.storage.reads import queries
from searchctl.orchestrator.storage.reads.spending import EndedAttempt
from searchctl.orchestrator.storage.writes.new_sweeps import store_estimate
from searchctl.orchestrator.terminal.plans.grade import grade_line, grade_report
from searchctl.trainer.core.results import JobResult

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def launched(tmp_path_factory):
    """A sweep of four real trainings on a ladder of two rungs, timed before it was launched."""
    folder = tmp_path_factory.mktemp("graded")
    sweep = Sweep.model_validate(
        {
            "name": "graded",
            "data": {
                "dataset": "scenes",
                "image_size": [24, 32],
                "train": 16,
                "val": 6,
                "test": 4,
            },
            "training": {"width": 4, "batch_size": 4, "epochs": 2, "threads": 1},
            "space": {"lr": [0.1, 0.01], "model": ["simple_fcn", "unet"]},
            "resources": {"max_parallel": 1},
            "storage": {"runs": str(folder / "runs")},
        }
    )
    url = f"sqlite:///{folder}/sweeps.db"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(probing, "LONGEST", 0.3)
        found = estimate_sweep(sweep)
    prepared = prepare(sweep, url)
    store_estimate(prepared.engine, prepared.row, found.to_json())
    run(prepared, executor=InlineExecutor(train))
    return prepared.engine, queries.find_sweep(prepared.engine, "graded"), url


@pytest.fixture(scope="module")
def graded(launched):
    engine, row, _ = launched
    return grade(engine, row)


def test_without_faults_as_much_is_trained_and_validated_as_was_planned(graded):
    for stage in (*graded.stages, graded.total):
        assert stage.jobs.ratio == stage.images.ratio == stage.validation_images.ratio == 1
    assert graded.total.images.actual == 4 * 2 * 8 + 2 * 2 * 16
    assert graded.total.validation_images.actual == 6 * 2 * 6
    assert graded.faults == ()


def test_times_are_graded_by_what_was_measured_at_the_launch(graded):
    assert graded.measured == "launch"
    assert 0 < graded.total.seconds.actual <= graded.total.wall.actual
    assert 0.05 < graded.total.seconds.ratio < 20  # the machine may have other work
    assert graded.total.seconds.ratio > 0.05
    assert graded.gpu_hours.actual == 0


def test_just_the_jobs_that_ran_are_planned_too(graded):
    same, all_jobs = graded.same_jobs.planned, graded.total.seconds.planned
    assert all_jobs.low <= same.expected <= all_jobs.high
    assert graded.same_jobs.actual == graded.total.seconds.actual


def test_remaining_weights_have_the_planned_size(graded):
    assert graded.disk.actual <= graded.disk.planned.expected
    assert graded.disk.actual > 0


def test_without_a_probe_times_have_no_ratio(sweeps):
    prepared, row = sweeps.launch()
    found = grade(prepared.engine, row)
    assert found.measured is None
    assert found.total.seconds.actual > 0
    assert found.total.seconds.ratio is None
    assert found.total.jobs.ratio == 1
    assert any("launch --probe" in str(part) for part in grade_report(found))


def test_a_job_that_was_retried_is_named_with_its_error(sweeps, quick_runner):
    left = ["the cable was pulled"]

    def runner(job, on_epoch, stop):
        if job.trial == 3 and left:
            return JobResult("lost", None, error=left.pop())
        return quick_runner(job, on_epoch, stop)

    prepared, row = sweeps.launch(runner)
    found = grade(prepared.engine, row)
    (fault,) = found.faults
    assert (fault.trial, fault.place, fault.outcomes) == (3, "rung 0", ("lost",))
    assert fault.error == "the cable was pulled"
    assert "1 job failed or had to be retried" in grade_line(found)
    assert any("cable" in str(part) for part in grade_report(found))


def test_jobs_after_the_ladder_are_graded_on_their_own(sweeps):
    prepared, row = sweeps.launch(halving={"repeats": 3, "audit": 1})
    stages = grade(prepared.engine, row).stages
    assert [(s.kind, s.jobs.planned.expected, s.jobs.ratio) for s in stages[-2:]] == [
        ("repeat", 4, 1),
        ("audit", 2, 1),
    ]
    assert all(stage.images.ratio == 1 for stage in stages[-2:])


def test_the_report_fits_80_columns_and_says_each_quantity(launched):
    _, _, url = launched
    output = CliRunner().invoke(cli, ["plan", "--against", "graded", "--db", url]).output
    assert max(map(len, output.split("x: actual")[0].splitlines())) <= 80
    for quantity in ("images trained", "validation images", "wall time", "disk at the end"):
        assert quantity in output


def test_all_of_it_is_there_for_scripts(launched):
    _, _, url = launched
    output = CliRunner().invoke(cli, ["plan", "--against", "graded", "--db", url, "--json"]).output
    values = json.loads(output)
    assert values["total"]["images"] == {
        "planned": {"low": 128, "expected": 128, "high": 128},
        "actual": 128,
        "ratio": 1.0,
    }
    assert [stage["rung"] for stage in values["stages"]] == [0, 1]


def attempt(start, seconds, outcome="complete", *, trial=0, job_seconds=None, gpus=1.0):
    began = BEGAN + timedelta(seconds=start)
    ended = began + timedelta(seconds=seconds)
    return EndedAttempt(trial, 0, "ladder", 0, 0, began, ended, outcome, gpus, None, job_seconds)


def test_busy_time_counts_overlaps_once_and_no_gaps():
    some = [attempt(0, 10), attempt(5, 10), attempt(6, 2), attempt(100, 1)]
    assert busy_seconds(some) == 16
    assert busy_seconds([]) == 0


def test_the_cost_of_a_lost_attempt_is_its_unused_epochs():
    tries = [attempt(0, 30, "lost", job_seconds=50), attempt(40, 40, job_seconds=50, gpus=0.5)]
    (fault,) = faults(tries)
    assert (fault.seconds, fault.gpu_seconds) == (20, 20)


def test_a_job_that_was_stopped_with_its_sweep_has_not_failed():
    stopped, lost = (faults([attempt(0, 5, each), attempt(9, 5)]) for each in ("stopped", "lost"))
    assert [fault.orderly for fault in (*stopped, *lost)] == [True, False]


def test_a_trial_without_a_score_cost_all_of_its_time():
    first, second = faults(
        [
            attempt(0, 5, "failed", trial=1, job_seconds=5),
            attempt(0, 9, "diverged", trial=2, job_seconds=9),
        ]
    )
    assert [(f.trial, f.seconds) for f in (first, second)] == [(2, 9), (1, 5)]
