"""When checkpoints are due, and the thread that writes them."""

import threading

import pytest
import torch

from searchctl.trainer.run.checkpoints import writer as module
from searchctl.trainer.run.checkpoints.file import Checkpoint, read_checkpoint
from searchctl.trainer.run.checkpoints.pace import Pace
from searchctl.trainer.run.checkpoints.writer import CheckpointWriter, checkpoint_bytes, copied

MB = 1_000_000


@pytest.mark.parametrize(
    ("size", "cost_s", "seconds"),
    [
        (0, None, 0.15),
        (200 * MB, None, 50.15),
        (1000 * MB, None, 60.0),  # however large
        (1000 * MB, 0.4, 20.0),  # a measured cost counts in place of the size
        (0, 9.0, 60.0),
    ],
)
def test_checkpoints_cost_two_percent_of_the_time_and_are_a_minute_apart_at_most(
    size, cost_s, seconds
):
    pace = Pace(None, started=100.0)
    assert pace.needs_size
    if cost_s is not None:
        pace.end(cost_s)
        assert not pace.needs_size
    assert not pace.is_due(100.0 + seconds - 1e-3, size)
    assert pace.is_due(100.0 + seconds + 1e-3, size)


def test_requested_seconds_are_kept_whatever_a_checkpoint_costs():
    pace = Pace(30.0, started=0.0)
    pace.end(5.0)
    assert not pace.is_due(29.0)
    assert pace.is_due(30.0)
    pace.begin(30.0)
    assert not pace.is_due(59.0)


def checkpoint(epoch, weights):
    return Checkpoint("mine", epoch, 0.0, {"model": {"weights": weights}, "progress": {}})


def test_a_checkpoint_holds_the_training_as_it_was_when_the_write_started(tmp_path, monkeypatch):
    weights, may_write = torch.zeros(3), threading.Event()
    write = module.write_checkpoint
    monkeypatch.setattr(
        module, "write_checkpoint", lambda *given: may_write.wait() and write(*given)
    )
    with CheckpointWriter(tmp_path, every_s=1e-9) as checkpoints:
        checkpoints.offer(lambda: checkpoint(1, weights))
        weights += 1  # the next epoch trains
        checkpoints.offer(lambda: checkpoint(2, weights))  # one is in progress
        may_write.set()
    found = read_checkpoint(tmp_path, "mine")
    assert found.epoch == 1
    assert found.training["model"]["weights"].tolist() == [0, 0, 0]


def test_every_epoch_has_a_checkpoint_where_that_is_requested(tmp_path):
    with CheckpointWriter(tmp_path, every_s=0) as checkpoints:
        for epoch in range(1, 6):
            checkpoints.offer(lambda epoch=epoch: checkpoint(epoch, torch.zeros(1000)))
    assert read_checkpoint(tmp_path, "mine").epoch == 5


def test_a_write_that_failed_is_raised_at_the_next_epoch(tmp_path):
    (tmp_path / "file").touch()
    with CheckpointWriter(tmp_path / "file" / "out", every_s=0) as checkpoints:
        checkpoints.offer(lambda: checkpoint(1, torch.zeros(1)))
        with pytest.raises(NotADirectoryError):
            checkpoints.offer(lambda: checkpoint(2, torch.zeros(1)))


def test_a_failed_write_ends_no_job_that_has_ended_itself(tmp_path, caplog):
    (tmp_path / "file").touch()
    with CheckpointWriter(tmp_path / "file" / "out", every_s=0) as checkpoints:
        checkpoints.offer(lambda: checkpoint(1, torch.zeros(1)))
    assert "the last checkpoint was not written: [Errno 20]" in caplog.text


def test_a_copy_shares_no_tensor_of_the_network_or_the_optimizer():
    tensors = [torch.zeros(2), torch.ones(3, dtype=torch.float64)]
    state = {"model": {"a": tensors[0]}, "optimizer": {"state": {0: {"b": tensors[1]}}, "lr": [1]}}
    copy = copied(Checkpoint("mine", 1, 0.0, {**state, "progress": {"kept": tensors[0]}})).training
    assert checkpoint_bytes(copy) == checkpoint_bytes({**state, "kept": tensors[0]}) == 40
    for each in tensors:
        each += 5
    assert copy["model"]["a"].tolist() == [0, 0]
    assert copy["optimizer"] == {"state": {0: {"b": pytest.approx(torch.ones(3))}}, "lr": [1]}
