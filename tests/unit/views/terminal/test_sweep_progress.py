from dataclasses import replace
from fractions import Fraction

import pytest
from upath import UPath

from searchctl.orchestrator.executors.job import JobAttempt
from searchctl.orchestrator.facts.running.final_scoring import FinalScoring
from searchctl.orchestrator.facts.running.progress import Progress
from searchctl.orchestrator.facts.running.work import EpochWork
from searchctl.orchestrator.facts.sweeps import JobState
from searchctl.orchestrator.halving.follow_up import FollowUpSettings
from searchctl.orchestrator.halving.job_key import JobKey
from searchctl.searchspace import Params
from searchctl.trainer.core.results import EpochRecord, JobResult
from searchctl.trainer.data.settings import Sample, ScenesData
from searchctl.trainer.settings.training import TrainSettings

LADDER = [
    {"rung": 0, "trials": 4, "fraction": "1/2", "images": 10},
    {"rung": 1, "trials": 2, "fraction": "1", "images": 20},
]
"""With two epochs a job, 160 images in all."""


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


def job(trial, rung=0):
    return JobAttempt(
        trial=trial,
        rung=rung,
        token="0",
        params=Params({}),
        settings=TrainSettings(epochs=2),
        sample=Sample(ScenesData(dataset="scenes"), LADDER[rung]["images"], 0),
        fraction=Fraction(LADDER[rung]["fraction"]),
        out=UPath("unused"),
    )


def progress(done=(), clock=None):
    states = {JobKey(trial, 0): JobState(0, "COMPLETE", 0.5) for trial in done}
    return Progress(LADDER, "maximize", 2, states, clock or Clock())


def an_epoch(shown, trial, rung=0, epoch=1):
    """An epoch at 2 images a second."""
    images = LADDER[rung]["images"]
    shown.epoch(job(trial, rung), EpochRecord(epoch, 1.0, 0.1, images, images / 2))


def ended(status="complete"):
    return JobResult(status, 0.5 if status == "complete" else None)


@pytest.mark.parametrize("before_the_launch", [0, 3600])
@pytest.mark.parametrize("start_up", [0, 600])
@pytest.mark.parametrize("idle", [0, 7200])
@pytest.mark.parametrize(("workers", "left"), [(1, 150 / 2), (2, 140 / 4), (4, 120 / 8)])
def test_idle_time_does_not_change_the_time_left(workers, left, before_the_launch, start_up, idle):
    clock = Clock()
    shown = progress(clock=clock)
    clock.now += before_the_launch
    for trial in range(workers):
        shown.job_started(job(trial), 1)
    clock.now += start_up + 5
    for trial in range(workers):
        an_epoch(shown, trial)
    clock.now += idle
    assert shown.seconds_left == pytest.approx(left)


def test_the_speed_that_is_shown_is_that_since_the_first_job():
    clock = Clock()
    shown = progress(clock=clock)
    shown.job_started(job(0), 1)
    clock.now += 100
    an_epoch(shown, 0)
    assert shown.images_per_second == 0.1


def test_no_time_is_expected_before_the_first_epoch():
    shown = progress(done=[0, 1])
    shown.job_started(job(2), 1)
    assert shown.seconds_left is None


def test_what_an_earlier_run_has_done_is_not_expected_again():
    shown = progress(done=[0, 1])
    shown.job_started(job(2), 2)
    an_epoch(shown, 2, epoch=2)  # its first was trained by a driver that died
    assert shown.seconds_left == (160 - 60) / 2
    shown.job_done(job(2), ended())
    assert shown.seconds_left == (160 - 60) / 2


def test_epochs_that_a_job_did_not_need_are_not_expected():
    shown = progress()
    shown.job_started(job(0), 1)
    an_epoch(shown, 0)
    shown.job_done(job(0), ended("diverged"))
    assert shown.seconds_left == (160 - 20) / 2


def test_jobs_after_the_ladder_are_expected_too_and_counted_apart():
    shown = Progress(LADDER, "maximize", 2, {}, Clock(), asked=FollowUpSettings(repeats=2, audit=1))
    repeat = replace(job(0, rung=1), kind="repeat", repeat=1)
    shown.job_started(repeat, 1)
    shown.epoch(repeat, EpochRecord(1, 1.0, 0.1, 20, 10))
    assert shown.seconds_left == (160 + 4 * 40 - 20) / 2
    shown.job_done(repeat, ended())
    assert [(view.kind, view.done, view.jobs) for view in shown.after()] == [
        ("repeat", 1, 2),
        ("audit", 0, 2),
    ]
    assert [view.done for view in shown.rungs()] == [0, 0]


def test_how_long_the_last_scoring_takes_is_not_guessed():
    shown = progress(done=[0, 1, 2, 3])
    for trial in (0, 1):
        shown.job_started(job(trial, rung=1), 1)
        an_epoch(shown, trial, rung=1, epoch=2)
    assert shown.seconds_left is None
    for trial in (0, 1):
        shown.job_done(job(trial, rung=1), ended())
    assert shown.seconds_left == 0


def test_a_lost_job_is_expected_once_more():
    shown = progress()
    shown.job_started(job(0), 1)
    an_epoch(shown, 0)
    shown.job_lost(job(0), "the worker died", 1)
    assert shown.seconds_left == 160 / 2


def test_a_rung_that_failed_trials_make_smaller_is_expected_as_small():
    shown = progress()
    for trial in range(4):
        shown.job_started(job(trial), 1)
        an_epoch(shown, trial)
        shown.job_done(job(trial), ended("diverged" if trial else "complete"))
    assert shown.seconds_left == 40 / 2


def test_a_rung_that_is_scored_more_often_is_expected_to_take_longer():
    work = EpochWork(validation=10, below=0.5, last=1)  # as much as rung 0 trains in an epoch
    shown = Progress(LADDER, "maximize", 2, {}, Clock(), work=work)
    shown.job_started(job(0), 1)
    an_epoch(shown, 0)
    shown.epoch(job(0), EpochRecord(2, 1.0, 0.1, 10, 10, val_loss=1.0))
    speed = (10 + 20) / (5 + 10)
    assert shown.seconds_left == (3 * 2 * 15 + 2 * 2 * 30) / speed


def test_nothing_is_left_at_the_end():
    shown = progress(done=[0, 1, 2, 3])
    for trial in (0, 1):
        shown.job_started(job(trial, 1), 1)
        an_epoch(shown, trial, 1)
        shown.job_done(job(trial, 1), ended())
    assert shown.seconds_left == 0


def test_an_epoch_of_a_worker_that_was_given_up_does_no_harm():
    shown = progress()
    shown.job_started(job(0), 1)
    shown.job_lost(job(0), "the worker was silent", 1)
    an_epoch(shown, 0)
    assert shown.seconds_left == 160 / 2


def scored_progress(seconds=None):
    scoring = FinalScoring(due=True, seconds=seconds)
    return Progress(LADDER, "maximize", 2, {}, Clock(), scoring=scoring)


def test_the_scoring_of_the_finalists_is_expected_as_the_probe_measured_it():
    shown = scored_progress(seconds=50.0)
    shown.job_started(job(0), 1)
    an_epoch(shown, 0)
    assert shown.seconds_left == 150 / 2 + 2 * 50
    assert not shown.scoring_follows


def test_the_first_finalist_tells_how_long_the_scoring_of_the_others_takes():
    shown = scored_progress()
    for trial in range(4):
        shown.job_started(job(trial), 1)
        for epoch in (1, 2):
            an_epoch(shown, trial, epoch=epoch)
        shown.job_done(job(trial), ended())
    assert shown.scoring_follows
    assert shown.seconds_left == 80 / 2  # of training alone
    for trial in (0, 1):
        shown.job_started(job(trial, rung=1), 1)
        for epoch in (1, 2):
            an_epoch(shown, trial, rung=1, epoch=epoch)
    assert shown.seconds_left is None
    shown.job_done(job(0, rung=1), replace(ended(), seconds=20 + 33.0))
    assert not shown.scoring_follows
    assert shown.seconds_left == 33


def test_a_job_that_was_resumed_does_not_tell_how_long_its_scoring_takes():
    shown = scored_progress()
    shown.job_started(job(0, rung=1), 2)
    an_epoch(shown, 0, rung=1, epoch=2)
    shown.job_done(job(0, rung=1), replace(ended(), seconds=99.0))
    assert shown.scoring_follows
