"""One job, for real: scenes are drawn, networks are trained, scores come back."""

import hashlib
import math
import subprocess
import sys

import numpy as np
import pytest
import torch

from searchctl.trainer import Sample, TrialJob
from searchctl.trainer.data.loader import load_split
from searchctl.trainer.run.preparation import prepare
from searchctl.trainer.settings.catalog import AUGMENTATIONS, LOSSES, LR_SCHEDULES, OPTIMIZERS
from searchctl.trainer.weights.files import load_weights, save_weights
from tests.jobs.small_jobs import SETTINGS, numbers, run_small


def test_a_trained_network_beats_the_most_frequent_class(run, small_scenes):
    result = run({"epochs": 20})
    dataset = load_split(small_scenes, "val").dataset
    labels = np.asarray(load_split(small_scenes, "val").labels)
    valid = labels[labels != dataset.ignore_index]
    majority = np.bincount(valid).max() / len(valid)
    assert result.status == "complete"
    assert result.evaluations["val"].overall_accuracy > majority
    assert result.score > majority / len(np.unique(valid))


def test_a_result_describes_the_finished_job(run):
    result = run()
    assert (result.status, result.error, result.weights) == ("complete", None, None)
    assert [epoch.epoch for epoch in result.epochs] == [1, 2, 3]
    assert result.images_seen == 3 * 16
    assert result.evaluations.keys() == {"val", "train"}
    assert (result.device, result.threads) == ("cpu", 1)
    assert result.gpu_seconds == 0
    assert result.peak_memory_bytes > 50e6 or sys.platform != "linux"
    assert result.trainable_parameters > 1000
    assert 0 < result.latency_ms < 1000 * result.seconds
    assert result.seconds > sum(epoch.seconds for epoch in result.epochs) > 0
    assert result.sample_hash
    assert result.data_fingerprint


def test_score_is_the_validation_of_the_kept_epoch(run):
    result = run()
    kept = result.epochs[result.kept_epoch - 1]
    assert result.score == kept.val_miou == max(epoch.val_miou for epoch in result.epochs)
    assert result.score == result.evaluations["val"].miou
    assert kept.val_loss == result.evaluations["val"].loss
    assert kept.val_class_iou == result.evaluations["val"].class_iou


def test_image_counts_add_up_to_the_score(run):
    result = run()
    hits, alarms, misses = result.image_counts.counts.sum(axis=0, dtype=np.int64).T
    present = hits + misses > 0
    iou = hits[present] / (hits + alarms + misses)[present]
    assert iou.mean() == pytest.approx(result.score)
    loss = result.image_counts.loss_sums.sum() / result.image_counts.pixels.sum()
    assert loss == pytest.approx(result.evaluations["val"].loss)


@pytest.mark.parametrize("model", ["simple_fcn", "unet"])
def test_the_same_job_twice_in_one_process_is_equal_to_the_last_bit(run, model, tmp_path):
    params = {"model": model, "dropout": 0.2, "augment": "scale_crop_jitter"}
    first = run(params, keep_weights=True, out=tmp_path / "1")
    torch.rand(3)  # another's use of the global generator must not matter
    second = run(params, keep_weights=True, out=tmp_path / "2")
    assert numbers(first) == numbers(second)
    assert first.weights.read_bytes() == second.weights.read_bytes()


IN_A_FRESH_PROCESS = """
import sys
from pathlib import Path
from searchctl.trainer import Sample, TrainSettings, TrialJob, run_job
from searchctl.trainer.data.settings import ScenesData
settings = TrainSettings.model_validate_json(sys.argv[1])
sample = Sample(ScenesData.model_validate_json(sys.argv[2]), images=16, seed=7)
run_job(TrialJob(params={"dropout": 0.2}, settings=settings, sample=sample,
                 out=Path(sys.argv[3]), keep_weights=True, device="cpu"))
"""


def test_a_fresh_process_gives_the_same_weights(run, small_scenes, tmp_path):
    here = run({"dropout": 0.2}, keep_weights=True, out=tmp_path / "here")
    settings = SETTINGS.model_dump_json(by_alias=True), small_scenes.model_dump_json()
    command = [sys.executable, "-c", IN_A_FRESH_PROCESS, *settings, str(tmp_path / "there")]
    subprocess.run(command, check=True)
    assert digest(here.weights) == digest(tmp_path / "there" / "model.safetensors")


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_samples_of_two_sizes_differ_in_their_random_numbers(small_scenes, tmp_path):
    samples = [Sample(small_scenes, images, seed=7) for images in (15, 16, 16)]
    jobs = [TrialJob(settings=SETTINGS, sample=sample, out=tmp_path) for sample in samples]
    first = [prepare(job, torch.device("cpu")).training.model.state_dict() for job in jobs]
    few, *same = [state["classifier.weight"] for state in first]
    assert torch.equal(*same)
    assert not torch.equal(few, same[0])


def test_trials_of_a_rung_start_from_the_same_weights_and_images(run):
    # with one batch, the loss of epoch 1 is taken before the first step
    params = [{"epochs": 1, "batch_size": 16, "lr": lr} for lr in (1e-3, 1e-2)]
    assert len({run(trial).epochs[0].train_loss for trial in params}) == 1


def test_a_job_restores_torchs_global_state(run):
    before = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    generator = torch.get_rng_state()
    for params in ({}, {"lr": 1e9}, {"threads": 2}):
        run(params)
        assert (torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()) == before
        assert torch.equal(torch.get_rng_state(), generator)


def test_threads_are_applied_and_recorded(run):
    assert run({"threads": 2}).threads == 2


def test_warm_start_continues_from_the_weights_given(run, tmp_path):
    below = run({"epochs": 20}, keep_weights=True)
    fresh = run({"epochs": 1})
    warm = run({"epochs": 1}, init_from=below.weights)
    assert warm.epochs[0].train_loss < fresh.epochs[0].train_loss / 1.1
    assert warm.score > fresh.score


@pytest.mark.parametrize("params", [{"width": 4}, {"model": "unet"}])
def test_weights_of_another_model_are_refused_by_name(run, tmp_path, params):
    weights = load_weights(run(keep_weights=True).weights)
    save_weights(weights.tensors, tmp_path / "other.safetensors")
    result = run(params, init_from=tmp_path / "other.safetensors")
    assert result.status == "failed"
    assert "other.safetensors is of another network" in result.error


def test_val_loss_keeps_the_epoch_of_the_lowest_loss(run):
    result = run({"epochs": 6}, score="val_loss")
    losses = [epoch.val_loss for epoch in result.epochs]
    assert result.score == min(losses) == losses[result.kept_epoch - 1]


def test_several_scores_are_recorded_and_the_first_keeps_the_epoch(run):
    recorded = ("val_fwiou", "val_loss")
    result = run({"epochs": 4}, score="val_worst_iou:Road+Sky", recorded=recorded, final=True)
    values = [epoch.value("val_worst_iou:Road+Sky") for epoch in result.epochs]
    assert result.score == max(values) == values[result.kept_epoch - 1]
    kept = result.epochs[result.kept_epoch - 1]
    assert kept.scores == result.evaluations["val"].scores
    assert kept.scores.keys() == {"val_worst_iou:Road+Sky", "val_fwiou"}
    assert result.evaluations["val_original"].scores.keys() == kept.scores.keys()


def test_a_recorded_score_changes_no_number(run):
    alone, beside = run(), run(recorded=("val_dice",))
    assert (alone.score, alone.kept_epoch) == (beside.score, beside.kept_epoch)
    assert [epoch.val_loss for epoch in alone.epochs] == [epoch.val_loss for epoch in beside.epochs]


def test_of_equally_good_epochs_the_earliest_is_kept(run):
    result = run({"lr": 1e-30, "epochs": 3})
    assert len({epoch.val_miou for epoch in result.epochs}) == 1
    assert result.kept_epoch == 1


def test_training_stops_early_after_its_patience(run):
    result = run({"lr": 1e-30, "epochs": 9, "patience": 2})
    assert len(result.epochs) == 3
    assert run({"lr": 1e-30, "epochs": 9}).kept_epoch == 1


def test_validation_runs_when_it_is_due_and_patience_counts_validations(run):
    result = run({"lr": 1e-30, "epochs": 9, "patience": 2, "validate": {"every": 2}})
    scored = [epoch.epoch for epoch in result.epochs if epoch.val_miou is not None]
    assert scored == [2, 4, 6]
    assert len(result.epochs) == 6


def test_a_finalist_is_scored_at_the_original_size_and_on_the_test_split(run):
    result = run({"epochs": 8}, final=True)
    splits = {"val", "train", "val_original", "test", "test_original"}
    assert result.evaluations.keys() == splits
    assert result.evaluations["val"] == run({"epochs": 8}).evaluations["val"]
    small, large = result.evaluations["val"], result.evaluations["val_original"]
    assert small != large
    assert small.miou == pytest.approx(large.miou, abs=0.1)


def test_labels_of_the_training_size_score_the_same_as_their_originals(small_scenes, tmp_path):
    data = small_scenes.model_copy(update={"native_size": small_scenes.image_size})
    sample = Sample(data, images=16, seed=7)
    result = run_small(SETTINGS, sample, out=tmp_path, final=True)
    assert result.evaluations["val_original"] == result.evaluations["val"]
    assert result.evaluations["test_original"] == result.evaluations["test"]


def test_train_and_val_together_are_trained_on(run):
    result = run(whole="train+val", final=True)
    assert result.images_seen == 3 * (16 + 6)
    assert "val_original" in result.evaluations


def test_a_lone_last_image_is_trained_on_too(run):
    result = run({"model": "unet", "batch_size": 4}, images=13)
    assert (result.status, result.images_seen) == ("complete", 3 * 13)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("optimizer", name) for name in OPTIMIZERS),
        *(("lr_schedule", name) for name in LR_SCHEDULES),
        *(("loss", name) for name in LOSSES),
        *(("augment", name) for name in AUGMENTATIONS),
        ("model", "unet"),
        ("finetune", "last_1"),
        ("encoder_lr_scale", 0.1),
        ("finetune", "decoder"),
        ("finetune", "classifier"),
        ("finetune", "frozen_decoder"),
        ("precision", "bf16"),
        ("channels_last", True),
        ("dropout", 0.3),
    ],
)
def test_every_choice_of_a_setting_trains(run, field, value):
    result = run({field: value, "lr_decay": 0.5, "epochs": 2})
    assert result.error is None
    assert math.isfinite(result.score)
    assert result.epochs[-1].train_loss != result.epochs[0].train_loss
