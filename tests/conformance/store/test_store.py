"""The contract of stores: written rows are read again, once."""

import math
from dataclasses import replace

import numpy as np
import pytest

from searchctl.orchestrator.core.errors import SearchctlError, SweepExists, SweepNotFound
from searchctl.orchestrator.halving.job_key import JobKey
from searchctl.orchestrator.storage.reads import image_scores, queries, spending
from searchctl.orchestrator.storage.writes.new_sweeps import create_sweep, request_state
from searchctl.trainer.core.results import JobResult
from tests.sweeps.stored_sweeps import (
    LADDER,
    complete,
    counts,
    decision,
    epoch,
    new_sweep,
    start,
)


def test_a_sweep_is_stored_with_its_trials(engine, sweep):
    assert (sweep.state, sweep.desired_state) == ("RUNNING", "RUNNING")
    assert (sweep.ladder, sweep.classes) == (LADDER, ["sky", "road"])
    assert sweep.versions == {"torch": "2"}
    rows = queries.trials(engine, sweep)
    assert [(row.number, row.params, row.state) for row in rows] == [
        (0, {"lr": 0.1}, "WAITING"),
        (1, {"lr": 0.01}, "WAITING"),
    ]
    assert sweep.created_at.tzinfo is not None


def test_a_second_sweep_of_the_same_name_is_refused_and_leaves_nothing(engine, sweep):
    with pytest.raises(SweepExists, match="searchctl watch first"):
        create_sweep(engine, new_sweep())
    assert len(queries.list_sweeps(engine)) == 1


def test_a_sweep_with_equal_trials_stores_nothing(engine):
    with pytest.raises(SearchctlError):
        create_sweep(engine, new_sweep("twins", ({"lr": 0.1}, {"lr": 0.1})))
    assert queries.list_sweeps(engine) == []


def test_an_unknown_sweep_is_answered_with_the_known_ones(engine, sweep):
    with pytest.raises(SweepNotFound, match="it holds: first"):
        queries.find_sweep(engine, "second")


def test_attempts_of_a_job_are_numbered_and_share_one_row(engine, sweep, writer):
    assert start(writer) == 1
    writer.lose_attempt("t1", "lost", "the worker died")
    assert start(writer, token="t2", gpus=0.5) == 2
    first, second = queries.attempts(engine, sweep, 0)
    assert (first.number, first.outcome, first.error) == (1, "lost", "the worker died")
    assert (second.number, second.outcome, second.error) == (2, None, None)
    assert (first.gpus, second.gpus) == (0.0, 0.5)
    assert (second.token, second.ended_at) == ("t2", None)
    assert first.ended_at >= first.started_at
    assert len(queries.jobs(engine, sweep)) == 1


def test_another_batch_is_stored_with_the_job_and_takes_its_epochs_away(engine, sweep, writer):
    start(writer)
    writer.save_epoch("t1", epoch())
    smaller = {"batch_size": 4, "accumulate": 2}
    writer.lose_attempt("t1", "out_of_memory", "CUDA out of memory", smaller)
    (job,) = queries.jobs(engine, sweep)
    assert (job.batch, job.state) == (smaller, "WAITING")
    assert queries.epochs(engine, sweep, 0) == []


@pytest.mark.parametrize("outcome", ["lost", "stopped"])
def test_an_attempt_without_a_result_leaves_its_job_and_trial_waiting(
    engine, sweep, writer, outcome
):
    start(writer)
    assert queries.trials(engine, sweep)[0].state == "RUNNING"
    writer.lose_attempt("t1", outcome, "gone")
    assert queries.jobs(engine, sweep)[0].state == "WAITING"
    assert queries.trials(engine, sweep)[0].state == "WAITING"


def test_the_process_of_an_open_attempt_is_noted(engine, sweep, writer):
    start(writer)
    writer.attempt_started("t1", "node7:4711")
    assert queries.attempts(engine, sweep)[0].worker == "node7:4711"
    writer.lose_attempt("t1", "lost", "gone")
    writer.attempt_started("t1", "node8:1")
    assert queries.attempts(engine, sweep)[0].worker == "node7:4711"


def test_a_result_is_stored_with_epochs_classes_and_decisions(engine, sweep, writer):
    start(writer)
    outcomes = [decision(0, 1, "promoted"), decision(1, 2, "pruned")]
    assert queries.jobs(engine, sweep, 0)[0].initial_weights == ""
    assert writer.save_result("t1", complete(initial_weights="of pets"), outcomes)
    (job,) = queries.jobs(engine, sweep, 0)
    assert job.initial_weights == "of pets"
    assert (job.state, job.score, job.kept_epoch, job.device) == ("COMPLETE", 0.4, 2, "cpu")
    assert job.evaluations["val"]["miou"] == 0.4
    assert [row.epoch for row in queries.epochs(engine, sweep, 0)] == [1, 2]
    assert [row.iou for row in queries.class_scores(engine, sweep, 0)] == [0.4, None]
    assert queries.decisions(engine, sweep) == outcomes
    assert [row.state for row in queries.trials(engine, sweep)] == ["WAITING", "PRUNED"]


def test_the_counts_of_each_image_are_read_as_they_were_written(engine, sweep, writer):
    start(writer)
    writer.save_result("t1", complete(), [])
    stored, written = image_scores.image_counts(engine, sweep, JobKey(0, 0)), counts()
    for name, array in vars(written).items():
        np.testing.assert_array_equal(getattr(stored, name), array, strict=True)
    assert image_scores.image_counts(engine, sweep, JobKey(1, 0)) is None


@pytest.mark.parametrize("status", ["complete", "diverged", "failed"])
def test_an_attempt_ends_with_the_status_of_its_result(engine, sweep, writer, status):
    start(writer)
    writer.save_result("t1", replace(complete(), status=status, first_epoch=2), [])
    (attempt,) = queries.attempts(engine, sweep)
    assert (attempt.outcome, attempt.first_epoch) == (status, 2)
    assert attempt.ended_at is not None


def test_a_diverged_result_keeps_its_epochs_without_numbers_that_are_none(engine, sweep, writer):
    start(writer)
    result = JobResult("diverged", None, epochs=(epoch(train_loss=math.nan),))
    writer.save_result("t1", result, [])
    (job,) = queries.jobs(engine, sweep, 0)
    assert (job.state, job.score) == ("DIVERGED", None)
    assert queries.epochs(engine, sweep, 0)[0].train_loss is None


IOU = (0.0, 0.123456, None, 1.0)
"""IoU of four classes; the ground truth lacks one."""


def test_the_iou_of_each_class_is_kept_by_epoch_to_four_digits(engine, sweep, writer):
    start(writer)
    writer.save_epoch("t1", epoch(1, val_class_iou=IOU))
    writer.save_epoch("t1", epoch(2))
    first, second = queries.epochs(engine, sweep, 0)
    assert first.val_class_iou == pytest.approx(IOU, abs=2e-5)
    assert second.val_class_iou is None


def test_the_latency_of_a_job_is_kept(engine, sweep, writer):
    start(writer)
    assert writer.save_result("t1", complete(latency_ms=2.5), [])
    assert queries.jobs(engine, sweep)[0].latency_ms == 2.5


def test_an_epoch_of_a_second_attempt_replaces_the_first_ones(engine, sweep, writer):
    start(writer)
    assert writer.save_epoch("t1", epoch(train_loss=2.0)) is None
    writer.lose_attempt("t1", "lost", "gone")
    start(writer, token="t2")
    differs = {"epoch": 1, "field": "train_loss", "before": 2.0, "now": 1.0}
    assert writer.save_epoch("t2", epoch(train_loss=1.0)) == differs
    assert writer.save_epoch("t2", epoch(train_loss=1.0)) is None
    assert [row.train_loss for row in queries.epochs(engine, sweep, 0)] == [1.0]
    assert spending.images_trained(engine, sweep) == 5


def test_a_sweep_that_ends_has_a_time_and_a_reason(engine, sweep, writer):
    writer.set_state("FAIL", "no finite score")
    row = queries.find_sweep(engine, "first")
    assert (row.state, row.error) == ("FAIL", "no finite score")
    assert row.ended_at >= row.created_at
    writer.set_state("RUNNING")
    row = queries.find_sweep(engine, "first")
    assert (row.state, row.error, row.ended_at) == ("RUNNING", None, None)


def test_events_are_appended_in_order(engine, sweep, writer):
    writer.note("resumed", host="here")
    writer.set_state("STOPPED")
    writer.set_state("FAIL", "why")
    rows = queries.events(engine, sweep)
    assert [(row.kind, row.detail) for row in rows] == [
        ("resumed", {"host": "here"}),
        ("stopped", {}),
        ("fail", {"error": "why"}),
    ]
    assert rows[0].at.tzinfo is not None


def test_a_changed_spec_replaces_the_launched_one(engine, sweep, writer):
    files = {"checkpoint:pets": {"file": "initial/ab.safetensors"}}
    images = [("a", "clip 1")]
    writer.replace_spec({"name": "first", "seed": 2}, "def", {"torch": "3"}, "beef", files, images)
    row = queries.find_sweep(engine, "first")
    assert image_scores.val_images(engine, row) == images
    assert row.initial_files == files
    assert (row.spec, row.spec_hash) == ({"name": "first", "seed": 2}, "def")
    assert (row.versions, row.data_fingerprint) == ({"torch": "3"}, "beef")


def test_a_stop_is_requested_without_the_lease(engine, sweep, writer):
    request_state(engine, "first", "STOPPED")
    assert queries.find_sweep(engine, "first").desired_state == "STOPPED"
    assert queries.find_sweep(engine, "first").state == "RUNNING"
    assert queries.events(engine, sweep)[-1].detail == {"state": "STOPPED"}
    with pytest.raises(SweepNotFound, match="no sweep 'second'"):
        request_state(engine, "second", "STOPPED")


def test_the_groups_of_the_validation_images_are_kept_from_the_launch(engine):
    images = [("a", "clip 1"), ("b", "clip 1"), ("c", "clip 2")]
    create_sweep(engine, replace(new_sweep("grouped"), val_images=images))
    assert image_scores.val_images(engine, queries.find_sweep(engine, "grouped")) == images


def test_the_counts_of_a_rung_are_read_for_the_trials_that_have_them(engine, sweep, writer):
    start(writer, trial=0)
    writer.save_result("t1", complete(), [])
    found = image_scores.rung_counts(engine, sweep, 0, [0, 1])
    assert list(found) == [0]
    np.testing.assert_array_equal(found[0].loss_sums, counts().loss_sums)
    assert image_scores.rung_counts(engine, sweep, 0, [1]) == {}
    assert image_scores.rung_counts(engine, sweep, 1, [0]) == {}


def test_the_best_iou_of_a_class_is_that_of_the_kept_trials(engine, sweep, writer):
    outcomes = [decision(0, 1, "promoted"), decision(1, 2, "pruned")]
    for trial, (iou, decided) in enumerate([(0.4, []), (0.9, outcomes)]):
        token = f"t{trial}"
        start(writer, trial, token=token)
        result = complete()
        val = replace(result.evaluations["val"], class_iou=(iou, None))
        writer.save_result(token, replace(result, evaluations={"val": val}), decided)
    assert queries.best_class_iou(engine, sweep, 0) == {0: 0.4}


def test_scores_without_a_column_are_kept_by_epoch_and_split(engine, sweep, writer):
    start(writer)
    writer.save_epoch("t1", epoch(1, scores={"val_dice": 0.1 + 0.2, "mine:f": math.nan}))
    writer.save_epoch("t1", epoch(2))
    first, second = queries.epochs(engine, sweep, 0)
    assert (first.scores, second.scores) == ({"val_dice": 0.1 + 0.2, "mine:f": None}, None)
    assert writer.save_result("t1", scored(complete(), {"val_dice": 1 / 3}), [])
    assert queries.jobs(engine, sweep)[0].evaluations["val"]["scores"] == {"val_dice": 1 / 3}


def scored(result, scores):
    evaluations = {"val": replace(result.evaluations["val"], scores=scores)}
    return replace(result, evaluations=evaluations)
