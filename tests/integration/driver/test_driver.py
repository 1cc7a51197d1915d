"""The driver with its database: stored decisions, after a death and a resume too, and errors."""

from collections import Counter

import pytest
from sqlalchemy import text

from searchctl.orchestrator.core.errors import SweepFailed
from searchctl.orchestrator.executors.inline import InlineExecutor
from searchctl.orchestrator.run.launch import run
from searchctl.orchestrator.storage.reads import queries
from tests.jobs.unlucky import Died, dies_at, diverging
from tests.sweeps.driven_sweeps import attempts, stored


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
