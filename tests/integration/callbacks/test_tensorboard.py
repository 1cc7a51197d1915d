"""TensorBoard: one run for each trial, through the rungs in sequence, read by its own reader."""

import logging
from dataclasses import dataclass, field, replace

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import plugin_data_pb2

from searchctl.orchestrator.callbacks.all import Callbacks
from searchctl.orchestrator.callbacks.base import Callback
from searchctl.orchestrator.callbacks.tensorboard import TensorBoardLogger
from searchctl.orchestrator.callbacks.values import LoggedValues
from searchctl.orchestrator.halving.job_key import Kind
from searchctl.trainer.core.results import EpochRecord, JobResult

EPOCHS = 3


@dataclass
class Seen:
    trial: int = 0
    rung: int = 0
    kind: Kind = "ladder"
    repeat: int = 0
    params: dict = field(default_factory=lambda: {"lr": 0.1, "loss": "dice", "width": None})


def values(*classes):
    return LoggedValues(lambda params: EPOCHS, classes)


def run_of(folder, trial=0):
    run = EventAccumulator(str(folder / f"trial-{trial:04d}"))
    run.Reload()
    return run


def points(run, tag):
    return [(event.step, round(event.value, 4)) for event in run.Scalars(tag)]


def epoch(number, loss):
    return EpochRecord(number, loss, 0.1, 10, 0.5, val_loss=loss + 1, val_miou=1 / number)


@pytest.fixture
def logger(tmp_path):
    with TensorBoardLogger(tmp_path, values()) as found:
        yield found


def train(logger, job, *losses, first=1, attempt=1):
    logger.job_started(job, attempt)
    for number, loss in enumerate(losses, first):
        logger.epoch(job, epoch(number, loss))


def test_each_class_of_the_ground_truth_has_its_iou(tmp_path):
    with TensorBoardLogger(tmp_path, values("sky", "car", "road")) as logger:
        logger.epoch(Seen(), replace(epoch(1, 0.5), val_class_iou=(0.25, None, 0.75)))
        logger.epoch(Seen(), epoch(2, 0.5))
    run = run_of(tmp_path)
    assert points(run, "val_IoU/sky") == [(1, 0.25)]
    assert points(run, "val_IoU/road") == [(1, 0.75)]
    assert "val_IoU/car" not in run.Tags()["scalars"]


def test_rungs_of_a_trial_follow_each_other_in_one_run(logger, tmp_path):
    for rung, losses in enumerate([(0.9, 0.8, 0.7), (0.6, 0.5, 0.4)]):
        train(logger, Seen(rung=rung), *losses)
        logger.job_done(Seen(rung=rung), JobResult("complete", 0.25 * (rung + 1)))
    assert [each.name for each in tmp_path.iterdir()] == ["trial-0000"]
    run = run_of(tmp_path)
    losses = [(1, 0.9), (2, 0.8), (3, 0.7), (4, 0.6), (5, 0.5), (6, 0.4)]
    assert points(run, "loss/train") == losses
    assert [value for _, value in points(run, "val/mIoU")] == 2 * [1.0, 0.5, 0.3333]
    assert points(run, "score") == [(3, 0.25), (6, 0.5)]
    assert set(run.Tags()["scalars"]) == {
        *("loss/train", "loss/val", "val/mIoU", "lr", "time/epoch_seconds", "score")
    }


def test_a_job_after_the_ladder_has_a_run_of_its_own(logger, tmp_path):
    train(logger, Seen(rung=1), 0.6, 0.5, 0.4)
    train(logger, Seen(rung=1, kind="repeat", repeat=2), 0.5, 0.4, 0.3)
    train(logger, Seen(trial=3, rung=1, kind="audit"), 0.9)
    folders = {each.name for each in tmp_path.iterdir()}
    assert folders == {"trial-0000", "trial-0000-repeat-2", "trial-0003-audit-0"}
    assert points(run_of(tmp_path), "loss/train") == [(4, 0.6), (5, 0.5), (6, 0.4)]


def test_a_restarted_attempt_replaces_the_lost_one(logger, tmp_path):
    train(logger, Seen(), 0.9, 0.8)
    logger.job_lost(Seen(), "the worker died", 1)
    train(logger, Seen(), 0.7, 0.6, 0.5, attempt=2)
    logger.job_done(Seen(), JobResult("complete", 0.5))
    assert points(run_of(tmp_path), "loss/train") == [(1, 0.7), (2, 0.6), (3, 0.5)]


def test_an_attempt_that_continues_keeps_what_was_before(logger, tmp_path):
    train(logger, Seen(), 0.9, 0.8)
    logger.job_lost(Seen(), "the worker died", 1)
    with TensorBoardLogger(tmp_path, values()) as another_driver:
        train(another_driver, Seen(), 0.5, first=3, attempt=2)
    assert points(run_of(tmp_path), "loss/train") == [(1, 0.9), (2, 0.8), (3, 0.5)]


def test_a_running_job_is_logged_before_it_ends(logger, tmp_path):
    train(logger, Seen(), 0.9)
    assert points(run_of(tmp_path), "loss/train") == [(1, 0.9)]


def test_params_are_hyperparameters_to_tensorboard(logger, tmp_path):
    train(logger, Seen(), 0.9)
    start = run_of(tmp_path).SummaryMetadata("_hparams_/session_start_info")
    data = plugin_data_pb2.HParamsPluginData.FromString(start.plugin_data.content)
    found = data.session_start_info.hparams
    assert found["lr"].number_value == 0.1
    assert (found["loss"].string_value, found["width"].string_value) == ("dice", "None")


def test_a_sweep_writes_a_run_for_each_trial_where_it_is_requested(sweeps, tmp_path):
    folder = tmp_path / "boards"
    _, row = sweeps.launch(loggers={"tensorboard": str(folder)})
    assert row.state == "COMPLETE"
    assert sorted(each.name for each in (folder / "quick").iterdir()) == [
        f"trial-{trial:04d}" for trial in range(8)
    ]
    run = run_of(folder / "quick", 5)
    assert points(run, "score") == [(1, 0.8), (2, 0.81), (3, 0.82)]
    assert points(run, "val/mIoU") == [(1, 0.8), (2, 0.81), (3, 0.82)]
    assert row.spec_hash == sweeps.sweep().spec_hash


def test_nothing_is_written_by_default(sweeps, tmp_path):
    sweeps.launch()
    assert not list(tmp_path.rglob("*tfevents*"))


def test_a_logger_that_cannot_write_is_left_alone_and_the_sweep_continues(sweeps, tmp_path, caplog):
    (tmp_path / "file").write_text("")
    with caplog.at_level(logging.WARNING, logger="searchctl"):
        _, row = sweeps.launch(loggers={"tensorboard": str(tmp_path / "file")})
    assert row.state == "COMPLETE"
    warnings = [record.message for record in caplog.records]
    assert [w.startswith("TensorBoardLogger failed and is disabled") for w in warnings] == [True]


def test_an_error_of_the_display_is_not_taken_for_a_logger_s():
    class Broken(Callback):
        def database_up(self):
            raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        Callbacks(Broken(), []).database_up()


@pytest.mark.parametrize("place", ["s3://bucket/boards", "gs://bucket"])
def test_a_directory_that_is_not_of_this_machine_is_refused(place, sweeps):
    with pytest.raises(ValueError, match="directory of the launching machine"):
        sweeps.sweep(loggers={"tensorboard": place})
