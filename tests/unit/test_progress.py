from fractions import Fraction
from pathlib import Path

import pytest

from orchestrator.job import Job
from orchestrator.progress import Progress
from orchestrator.views import JobState
from searchspace import Params
from trainer.data_settings import Sample, ScenesData
from trainer.results import EpochRecord, JobResult
from trainer.settings import TrainSettings

EPOCHS = 2
LADDER = [
    {"rung": 0, "trials": 2, "fraction": "1/2", "images": 10},
    {"rung": 1, "trials": 1, "fraction": "1", "images": 20},
]
ALL_IMAGES = (2 * 10 + 20) * EPOCHS


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def follow(clock, done=()):
    return Progress(LADDER, "maximize", EPOCHS, dict(done), clock)


def job(trial, rung=0):
    return Job(
        trial=trial,
        rung=rung,
        token="t",
        params=Params({"lr": 0.1}),
        settings=TrainSettings(),
        sample=Sample(ScenesData(dataset="scenes"), LADDER[rung]["images"], 0),
        fraction=Fraction(1, 2),
        score="val_miou",
        out=Path("unused"),
        final=False,
        keep_weights=False,
        init_from=None,
        gpus=0,
    )


def train_epochs(progress, of, count=EPOCHS):
    for epoch in range(1, count + 1):
        progress.epoch(of, EpochRecord(epoch, 1.0, 0.1, of.sample.images, 0.0))


def finish(progress, of, status="complete", score=0.5, epochs=EPOCHS):
    progress.job_started(of, 1)
    train_epochs(progress, of, epochs)
    progress.job_done(of, JobResult(status, score, images_seen=epochs * of.sample.images))


def test_speed_and_time_left_are_unknown_before_the_first_epoch(clock):
    progress = follow(clock)
    progress.job_started(job(0), 1)
    clock.now = 5
    assert (progress.images_per_second, progress.seconds_left) == (None, None)
    assert progress.elapsed == 5


def test_speed_counts_from_the_first_job_on(clock):
    progress = follow(clock)
    clock.now = 100
    progress.job_started(job(0), 1)
    clock.now = 104
    train_epochs(progress, job(0), 1)
    assert progress.images_per_second == 10 / 4
    assert progress.elapsed == 104


def test_speed_counts_from_the_first_job_on_even_at_the_clock_s_zero(clock):
    progress = follow(clock)
    progress.job_started(job(0), 1)
    clock.now = 2
    progress.job_started(job(1), 1)
    train_epochs(progress, job(0), 1)
    assert progress.images_per_second == 5


def test_time_left_is_the_rest_of_the_ladder_at_the_speed_so_far(clock):
    progress = follow(clock)
    progress.job_started(job(0), 1)
    clock.now = 4
    train_epochs(progress, job(0))
    assert progress.seconds_left == (ALL_IMAGES - 20) / (20 / 4)


def test_jobs_of_an_earlier_run_are_done_and_no_part_of_the_speed(clock):
    progress = follow(clock, {(0, 0): JobState(0, "COMPLETE", 0.4)})
    progress.job_started(job(1), 1)
    clock.now = 2
    train_epochs(progress, job(1))
    assert progress.images_per_second == 10
    assert progress.seconds_left == (ALL_IMAGES - 2 * 20) / 10
    assert (progress.rungs()[0].done, progress.rungs()[0].running) == (1, 1)


def test_epochs_that_early_stopping_saves_are_not_expected_any_more(clock):
    progress = follow(clock)
    clock.now = 0
    progress.job_started(job(0), 1)
    clock.now = 1
    train_epochs(progress, job(0), 1)
    progress.job_done(job(0), JobResult("complete", 0.5, images_seen=10))
    assert progress.seconds_left == (ALL_IMAGES - 20) / 10


def test_a_lost_job_waits_again_and_all_of_its_images_with_it(clock):
    progress = follow(clock)
    progress.job_started(job(0), 1)
    train_epochs(progress, job(0), 1)
    progress.job_lost(job(0), "the worker died", 1)
    clock.now = 1
    assert progress.rungs()[0].running == 0
    assert progress.seconds_left == ALL_IMAGES / 10


def test_a_job_that_is_lost_for_good_is_failed_and_expected_no_more(clock):
    progress = follow(clock)
    progress.job_started(job(0), 1)
    train_epochs(progress, job(0), 1)
    progress.job_lost(job(0), "the worker died", 3)
    progress.job_done(job(0), JobResult("failed", None))
    clock.now = 1
    assert progress.seconds_left == (ALL_IMAGES - 20) / 10
    assert progress.rungs()[0].failed == 1


def test_the_end_leaves_nothing_to_be_done(clock):
    progress = follow(clock)
    clock.now = 1
    for trial, rung in ((0, 0), (1, 0), (0, 1)):
        finish(progress, job(trial, rung))
        clock.now += 1
    assert progress.seconds_left == 0
    assert [(view.done, view.left) for view in progress.rungs()] == [(2, 0), (1, 0)]


@pytest.mark.parametrize("status", ["diverged", "failed"])
def test_a_job_without_a_score_is_done_and_counted_as_failed(clock, status):
    progress = follow(clock)
    finish(progress, job(0), status, None)
    finish(progress, job(1), score=0.3)
    view = progress.rungs()[0]
    assert (view.done, view.failed, view.best) == (2, 1, 0.3)
