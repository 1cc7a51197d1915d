"""Batches to evaluate on: kept on the device, and counted without a wait for it."""

from itertools import chain

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from searchctl.trainer.data import evaluation_batches
from searchctl.trainer.data.evaluation_batches import (
    KEPT_SHARE,
    EvaluationBatches,
    evaluation_batch_size,
    split_bytes,
)
from searchctl.trainer.data.loader import fixed_batches, load_split
from searchctl.trainer.evaluation.evaluate import evaluate
from searchctl.trainer.models.networks.simple_fcn import SimpleFCN
from searchctl.trainer.run.precision import Precision
from searchctl.trainer.settings.training import TrainSettings

CPU = torch.device("cpu")
WAITS = ("bincount", "nonzero", "masked_select", "_local_scalar_dense", "unique")
"""Operations after which the CPU waits for a GPU, to learn a number or a shape."""


@pytest.fixture
def split(small_scenes):
    return load_split(small_scenes, "val")


def equal(ours, theirs):
    """Are the images and labels of all batches equal?"""
    return all(map(torch.equal, chain(*ours), chain(*theirs)))


def kept(split, monkeypatch, free):
    """Return batches that stay on a device with so many free bytes, and whether they do."""
    monkeypatch.setattr(evaluation_batches, "free_bytes", lambda device: free)
    batches = EvaluationBatches(split, 3, CPU, keep=True)
    first, second = list(batches), list(batches)
    assert equal(first, second)
    return second, first[0][0] is second[0][0]


def test_batches_stay_on_the_device_where_they_fit(split, monkeypatch):
    needed = KEPT_SHARE * split_bytes(split)
    assert kept(split, monkeypatch, needed)[1]
    assert not kept(split, monkeypatch, needed - 1)[1]


def test_the_size_of_a_split_is_that_of_its_batches(split):
    tensors = [tensor for batch in fixed_batches(split, 3) for tensor in batch]
    assert split_bytes(split) == sum(tensor.nbytes for tensor in tensors)


def test_a_pass_that_is_left_keeps_nothing(split, monkeypatch):
    monkeypatch.setattr(evaluation_batches, "free_bytes", lambda device: 2**40)
    batches = EvaluationBatches(split, 3, CPU, keep=True)
    left = iter(batches)
    next(left)
    left.close()
    assert sum(len(labels) for _, labels in batches) == len(split.names)


def test_batches_that_are_read_ahead_are_the_same(split):
    ahead, between = (list(fixed_batches(split, 3, ahead=ahead)) for ahead in (True, False))
    assert [len(labels) for _, labels in ahead] == [len(labels) for _, labels in between]
    assert equal(ahead, between)


@pytest.mark.parametrize(
    ("device", "processes", "size"), [("cpu", 1, 6), ("cpu", 4, 2), ("cuda", 1, 12), ("cuda", 4, 4)]
)
def test_batches_on_a_gpu_are_twice_as_large(device, processes, size):
    assert evaluation_batch_size(6, torch.device(device), processes) == size


def scored(split, batches=None):
    torch.manual_seed(0)
    model = SimpleFCN(11, width=4)
    precision = Precision(TrainSettings(), CPU)
    return evaluate(model, split, precision, batch_size=3, stop=bool, batches=batches)


def test_scores_of_kept_batches_are_the_same(split, monkeypatch):
    monkeypatch.setattr(evaluation_batches, "free_bytes", lambda device: 2**40)
    batches = EvaluationBatches(split, 3, CPU, keep=True)
    expected, images = scored(split)
    for _ in range(2):
        found = scored(split, batches)
        assert found[0] == expected
        assert (found[1].counts == images.counts).all()
        assert (found[1].loss_sums == images.loss_sums).all()


class Operations(TorchDispatchMode):
    """Notes the operations that torch executes."""

    def __init__(self):
        super().__init__()
        self.names = set()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.names.add(func.overloadpacket.__name__)
        indices = args[1] if func.overloadpacket is torch.ops.aten.index else ()
        if any(index is not None and index.dtype == torch.bool for index in indices):
            self.names.add("nonzero")
        return func(*args, **(kwargs or {}))


def test_no_batch_makes_the_cpu_wait_for_the_device(split):
    with Operations() as seen:
        scored(split)
    assert "scatter_add_" in seen.names
    assert not seen.names & set(WAITS)
