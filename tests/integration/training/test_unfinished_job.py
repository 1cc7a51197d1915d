"""Jobs that diverge, stop or fail, and jobs that continue a stopped attempt."""

import shutil
import threading
import time

import pytest
import torch

from searchctl.trainer import Sample
from searchctl.trainer.core.errors import DataError
from tests.jobs.checkpoints import stored
from tests.jobs.small_jobs import SETTINGS, numbers, run_small


def test_a_huge_learning_rate_diverges_without_a_score(run):
    result = run({"lr": 1e9})
    assert (result.status, result.score, result.kept_epoch) == ("diverged", None, None)
    assert "NaN or infinite" in result.error
    assert result.sample_hash
    assert result.trainable_parameters > 0


def test_epochs_before_a_divergence_are_kept(run):
    # the only step of epoch 1 ruins the weights after its loss was taken
    result = run({"lr": 1e9, "batch_size": 16, "validate": {"every": 3}})
    assert result.status == "diverged"
    assert [epoch.epoch for epoch in result.epochs] == [1]


def test_weights_ruined_by_the_last_step_are_found_by_the_validation(run):
    result = run({"lr": 1e9, "batch_size": 16, "epochs": 1})
    assert (result.status, result.score, result.epochs) == ("diverged", None, ())
    assert "validation loss" in result.error


@pytest.mark.parametrize("batches", [0, 1, 5])
def test_a_job_stops_at_the_next_batch_on_request(run, batches):
    stops = iter([False] * batches + [True])
    result = run(stop=lambda: next(stops))
    assert (result.status, result.score) == ("stopped", None)
    assert result.images_seen == 0
    assert list(stops) == []


def test_a_job_that_takes_too_long_has_failed_with_the_reason(run):
    result = run(timeout_s=1e-6)
    assert (result.status, result.score) == ("failed", None)
    assert result.error == "took longer than resources.trial_timeout, 1e-06 s"


def test_epochs_before_a_stop_are_kept(run):
    epochs = []
    result = run(on_epoch=epochs.append, stop=lambda: len(epochs) == 2)
    assert result.status == "stopped"
    assert result.epochs == tuple(epochs)
    assert result.images_seen == 2 * 16


def test_ctrl_c_passes_through(run):
    def interrupt(epoch):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(on_epoch=interrupt)


@pytest.mark.parametrize(
    ("status", "error"),
    [
        ("blocked", OSError("Input/output error")),
        ("unusable", DataError("street.png is broken")),
        ("lost", MemoryError("no memory")),
        ("out_of_memory", torch.OutOfMemoryError("CUDA out of memory")),
        ("out_of_memory", torch.AcceleratorError("CUDA error: out of memory")),
        ("out_of_memory", RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling")),
        ("lost", torch.AcceleratorError("CUDA error: an illegal memory access")),
        (
            "lost",
            ModuleNotFoundError("no searchctl.trainer.losses", name="searchctl.trainer.losses"),
        ),
        ("lost", RuntimeError("[enforce fail at alloc_cpu.cpp:124] . DefaultCPUAllocator: none")),
    ],
    ids=lambda value: type(value).__name__,
)
def test_faults_of_the_machine_have_a_status_of_their_own(run, status, error):
    def fail(epoch):
        raise error

    result = run(on_epoch=fail)
    assert (result.status, result.score) == (status, None)
    assert str(error) in result.error
    assert "Traceback" in result.error
    assert result.sample_hash


@pytest.mark.parametrize(
    ("status", "error"),
    [
        ("failed", ValueError("no such colour")),
        ("lost", MemoryError("no memory")),
        ("blocked", OSError("Input/output error")),
    ],
)
def test_an_error_in_a_loader_thread_has_the_status_that_it_has_elsewhere(
    run, monkeypatch, status, error
):
    def broken(*_):
        raise error

    monkeypatch.setattr("searchctl.trainer.data.augment.presets.PresetAugmenter.changed", broken)
    result = run({"loader_workers": 2, "augment": "flips"})
    assert result.status == status
    assert str(error) in result.error


def test_a_job_that_is_stopped_in_an_epoch_leaves_no_loader_thread(run):
    stops = iter([False, False, True])
    result = run({"loader_workers": 2}, stop=lambda: next(stops))
    assert result.status == "stopped"
    assert not [each for each in threading.enumerate() if each.name.startswith("loader")]


def test_an_unexpected_error_is_raised(run):
    def fail(epoch):
        raise KeyError("an internal mistake")

    with pytest.raises(KeyError, match="an internal mistake"):
        run(on_epoch=fail)


def test_a_directory_that_cannot_be_made_blocks_the_job(run, tmp_path):
    (tmp_path / "file").touch()
    out = {"out": tmp_path / "file" / "out", "waits": False, "checkpoint_every_s": 0}
    result = run(**out, on_epoch=lambda epoch: time.sleep(0.1))
    assert result.status == "blocked"
    assert "NotADirectoryError" in result.error


@pytest.mark.parametrize(
    ("params", "arguments", "message"),
    [
        ({"lr": -1.0}, {}, "greater than 0"),
        ({"learning_rate": 1.0}, {}, "learning_rate"),
        ({}, {"device": "cuda:99"}, "cuda:99"),
        ({}, {"device": "meta"}, "meta"),
    ],
)
def test_a_bad_configuration_is_a_result_that_says_why(run, params, arguments, message):
    result = run(params, **arguments)
    assert (result.status, result.score) == ("failed", None)
    assert message in result.error


def test_a_size_too_small_for_the_model_names_the_smallest(small_scenes, tmp_path):
    tiny = small_scenes.model_copy(update={"image_size": (8, 8)})
    result = run_small(SETTINGS, Sample(tiny, 4, 7), params={"model": "unet"}, out=tmp_path)
    assert result.status == "failed"
    assert "at least 16x16" in result.error


def test_a_short_job_writes_no_checkpoint(run, tmp_path):
    run(waits=False, checkpoint_every_s=60.0)
    assert list(tmp_path.iterdir()) == []


def test_no_checkpoint_is_written_on_the_way_out(run, tmp_path):
    epochs = []
    run(checkpoint_every_s=60.0, waits=False, on_epoch=epochs.append, stop=lambda: len(epochs) == 2)
    assert list(tmp_path.iterdir()) == []


def test_no_thread_writes_after_the_job_has_ended(run, tmp_path):
    run(waits=False, checkpoint_every_s=0)
    assert stored(tmp_path)["epoch"] > 0
    assert not [each for each in threading.enumerate() if each.name.startswith("checkpoint")]


@pytest.fixture
def stopped(run, tmp_path):
    """A job that was stopped in its third and last epoch."""
    epochs = []
    result = run(
        {"dropout": 0.2},
        out=tmp_path / "stopped",
        on_epoch=epochs.append,
        stop=lambda: len(epochs) == 2,
    )
    assert (result.status, result.first_epoch, len(result.epochs)) == ("stopped", 1, 2)
    return result


def test_a_job_continues_where_an_earlier_attempt_was_stopped(run, stopped, tmp_path):
    epochs = []
    result = run({"dropout": 0.2}, resume_from=[tmp_path / "stopped"], on_epoch=epochs.append)
    assert numbers(result) == numbers(run({"dropout": 0.2}))
    assert [epoch.epoch for epoch in epochs] == [3]
    assert (result.first_epoch, result.images_seen) == (3, 3 * 16)
    assert result.epochs[:2] == stopped.epochs


def test_the_seconds_of_a_job_are_those_of_all_its_attempts(run, stopped, tmp_path):
    result = run({"dropout": 0.2}, resume_from=[tmp_path / "stopped"])
    assert result.seconds > sum(epoch.seconds for epoch in result.epochs)
    assert result.seconds > stored(tmp_path / "stopped")["seconds"] + result.epochs[-1].seconds


def test_a_job_whose_epochs_are_all_done_goes_straight_to_its_scores(run, tmp_path):
    first = run(out=tmp_path / "first")
    epochs = []
    again = run(out=tmp_path / "again", resume_from=[tmp_path / "first"], on_epoch=epochs.append)
    assert numbers(again) == numbers(first)
    assert (epochs, again.first_epoch) == ([], 4)


@pytest.mark.parametrize(
    ("params", "arguments"),
    [
        ({"dropout": 0.2, "epochs": 4}, {}),
        ({"dropout": 0.3}, {}),
        ({"dropout": 0.2}, {"images": 15}),
        ({"dropout": 0.2}, {"whole": "train+val"}),
        ({"dropout": 0.2}, {"score": "val_loss"}),
    ],
)
def test_a_checkpoint_of_another_job_is_not_gone_on_from(
    run, stopped, tmp_path, caplog, params, arguments
):
    result = run(params, resume_from=[tmp_path / "stopped"], **arguments)
    assert (result.status, result.first_epoch) == ("complete", 1)
    assert numbers(result) == numbers(run(params, **arguments))
    assert "is of other settings or of another job" in caplog.text


def test_warm_started_jobs_differ_by_their_initial_weights(run, tmp_path):
    for name, params in (("a", {}), ("b", {"epochs": 1})):
        run(params, keep_weights=True, out=tmp_path / name)
    run({}, init_from=tmp_path / "a" / "model.safetensors", out=tmp_path / "warm")
    shutil.copy(tmp_path / "a" / "model.safetensors", tmp_path / "copy.safetensors")
    resume = {"resume_from": [tmp_path / "warm"]}
    assert run(init_from=tmp_path / "copy.safetensors", **resume).first_epoch == 4
    assert run(init_from=tmp_path / "b" / "model.safetensors", **resume).first_epoch == 1
    assert run(**resume).first_epoch == 1
