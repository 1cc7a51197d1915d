"""What follows when a job runs out of memory: alone, then half of the batch, else a failure."""

import pytest

from searchctl.orchestrator.driver.attempts import (
    CloseAttempt,
    Lost,
    NoteLate,
    Opened,
    ReportLoss,
    StoreFailure,
)
from searchctl.orchestrator.driver.out_of_memory import OutOfMemory, Placement
from searchctl.orchestrator.halving.job_key import JobKey
from searchctl.orchestrator.halving.rule import Outcome
from searchctl.trainer.settings.batch import Batch
from tests.unit.halving.test_attempts import JOB, LATER, NOW, attempts

EIGHT = Batch(8, 1)


class Job:
    """The first job of a sweep, whose attempts run out of memory."""

    def __init__(self, on_oom="auto", *, on_gpu=False, batch_norm=False):
        self.sweep = attempts(on_oom=on_oom)
        self.facts = {"batch_statistics": batch_norm, "on_gpu": on_gpu}
        self.tries = 0

    def runs_out(self, batch=EIGHT, **facts):
        """Run its next attempt out of memory; return the last instruction."""
        self.tries += 1
        token = str(self.tries)
        assert self.sweep.next_job(LATER).key == JOB
        self.sweep.handle(Opened(JOB, token), NOW)
        event = OutOfMemory(JOB, token, "CUDA out of memory", batch, **{**self.facts, **facts})
        loss, instruction = self.sweep.handle(event, NOW)
        assert loss == ReportLoss(instruction.error, 1)
        return instruction

    @property
    def placement(self):
        return self.sweep.placement(JOB)


def test_on_a_gpu_the_job_is_tried_again_alone_and_then_with_half_of_the_batch():
    job = Job(on_gpu=True)
    first = job.runs_out()
    assert (first.outcome, first.batch, job.placement) == ("out_of_memory", None, Placement(True))
    assert (
        "out of memory with batch_size 8 and accumulate 1: it is tried again alone" in first.error
    )
    assert job.runs_out().batch == Batch(4, 2)
    assert job.placement == Placement(True, Batch(4, 2))


def test_without_a_gpu_the_batch_is_halved_at_once_down_to_one_image():
    job = Job()
    batches = [EIGHT]
    while isinstance(closed := job.runs_out(batches[-1]), CloseAttempt):
        batches.append(closed.batch)
    assert batches == [EIGHT, Batch(4, 2), Batch(2, 4), Batch(1, 8)]
    assert isinstance(closed, StoreFailure)
    assert "batch_size 1 and accumulate 8: a batch cannot be smaller" in closed.error


@pytest.mark.parametrize(
    ("on_oom", "batch_norm", "batch", "reason"),
    [
        ("auto", True, EIGHT, "BatchNorm, which half of the batch would change; set batch_size 4"),
        ("fail", False, EIGHT, "on_oom is fail; set batch_size 4 and accumulate 2"),
        ("shrink", True, Batch(2, 4), "BatchNorm needs two images"),
        ("shrink", None, EIGHT, "the network itself does not fit"),
    ],
)
def test_a_job_whose_batch_is_not_halved_fails_and_names_the_batch(
    on_oom, batch_norm, batch, reason
):
    failed = Job(on_oom, batch_norm=batch_norm).runs_out(batch)
    assert isinstance(failed, StoreFailure)
    assert f"out of memory with {batch}: " in failed.error
    assert reason in failed.error


def test_networks_with_batch_norm_are_trained_with_half_of_the_batch_on_request():
    assert Job("shrink", batch_norm=True).runs_out().batch == Batch(4, 2)


def test_running_out_of_memory_is_no_loss_and_is_retried_at_once():
    job = Job()
    job.sweep.handle(Opened(job.sweep.next_job(NOW).key, "a"), NOW)
    job.sweep.handle(Lost(JOB, "a", "lost", "gone"), NOW)
    for batch in (EIGHT, Batch(4, 2), Batch(2, 4)):
        job.runs_out(batch)
    assert job.sweep.next_job(NOW).key == JOB


def test_a_late_or_stopped_attempt_changes_nothing():
    job = Job()
    job.sweep.handle(Opened(job.sweep.next_job(NOW).key, "a"), NOW)
    late = OutOfMemory(JOB, "z", "", EIGHT, batch_statistics=False, on_gpu=False)
    assert job.sweep.handle(late, NOW) == [NoteLate()]
    stopped = OutOfMemory(JOB, "a", "", EIGHT, False, on_gpu=False, stopping=True)
    assert job.sweep.handle(stopped, NOW) == [CloseAttempt("stopped", "stopped")]
    assert job.placement == Placement()


def test_later_jobs_of_the_trial_start_with_its_batch_and_other_trials_do_not():
    job = Job()
    job.runs_out()
    for later in (JobKey(0, 1), JobKey(0, 2, "repeat", 1)):
        assert job.sweep.placement(later) == Placement(False, Batch(4, 2))
    assert job.sweep.placement(JobKey(1, 0)) == Placement()


def test_a_resume_places_a_job_as_it_was():
    job, resumed = Job(on_gpu=True), attempts()
    job.runs_out()
    job.runs_out()
    resumed.replay(
        [(JOB, "1", "out_of_memory"), (JOB, "2", "out_of_memory")], [], [(JOB, Batch(4, 2))]
    )
    assert resumed.placement(JOB) == job.placement


def test_a_failed_job_that_a_user_retries_starts_as_at_first():
    resumed = attempts()
    resumed.replay([(JOB, "1", "out_of_memory"), (JOB, "2", "failed")], [])
    assert resumed.placement(JOB) == Placement()


def test_the_batch_is_in_the_reason_of_the_decision():
    sweep, note = attempts(), "trained with batch_size 4"
    decisions = []
    for trial in range(4):
        outcome = Outcome(trial, 0, 0.5, note=note * (trial == 2))
        decisions += sweep.schedule.record(JobKey(trial, 0), outcome)
    assert [each.trial for each in decisions if each.reason.endswith(f"; {note}")] == [2]
