"""What a job sets for a GPU, as far as it can be seen without one."""

import pytest
import torch

from searchctl.trainer.core.host_copies import host_copy
from searchctl.trainer.core.machine.cpus import own_cpus
from searchctl.trainer.data.loader_threads import MOST_THREADS, loader_threads
from searchctl.trainer.run.torch_state import gpu_arithmetic, images_of_any_size, own_torch_state
from searchctl.trainer.settings.options.in_effect import in_effect
from searchctl.trainer.settings.training import TrainSettings


def arithmetic():
    matmul, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
    return matmul.allow_tf32, cudnn.allow_tf32, cudnn.benchmark


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, (True, True, True)),
        ({"tf32": False}, (False, False, True)),
        ({"cudnn_benchmark": False}, (True, True, False)),
    ],
)
def test_a_job_on_a_gpu_computes_as_stated_and_restores_the_process(given, expected):
    before = arithmetic()
    with gpu_arithmetic(TrainSettings(**given)):
        assert arithmetic() == expected
        with images_of_any_size():
            assert arithmetic() == (*expected[:2], False)
        assert arithmetic() == expected
    assert arithmetic() == before


def test_a_job_on_a_cpu_leaves_the_arithmetic_of_gpus_alone():
    before = arithmetic()
    with own_torch_state(TrainSettings(tf32=True, cudnn_benchmark=True), torch.device("cpu")):
        assert arithmetic() == before


def test_a_job_whose_own_code_switches_torch_leaves_the_next_job_alone():
    before = torch.get_default_dtype(), torch.is_grad_enabled()
    with own_torch_state(TrainSettings(), torch.device("cpu")):
        torch.set_default_dtype(torch.float64)
        torch.set_grad_enabled(False)
    assert (torch.get_default_dtype(), torch.is_grad_enabled()) == before


@pytest.mark.parametrize("name", ["tf32", "cudnn_benchmark"])
@pytest.mark.parametrize(("on_gpu", "differ"), [(True, True), (False, False)])
def test_the_arithmetic_of_gpus_has_an_effect_on_these_alone(name, on_gpu, differ):
    on, off, auto = (
        in_effect(TrainSettings(**{name: value}), on_gpu=on_gpu) for value in (True, False, "auto")
    )
    assert (on != off) is differ
    assert on == auto


@pytest.mark.parametrize(
    ("settings", "device", "processes", "threads"),
    [
        ({}, "cpu", 1, 0),
        ({"threads": 4}, "cpu", 1, 0),
        ({"loader_workers": 2}, "cpu", 1, 2),
        ({"threads": 4}, "cuda", 1, 4),
        ({"threads": 4}, "cuda", 2, 2),
        ({"threads": 1}, "cuda", 4, 1),
        ({"threads": 64}, "cuda", 1, MOST_THREADS),
        ({"threads": 4, "loader_workers": 0}, "cuda", 1, 0),
        ({}, "cuda", 1, min(own_cpus(), MOST_THREADS)),
    ],
)
def test_images_are_loaded_by_the_threads_of_a_trial_on_a_gpu(settings, device, processes, threads):
    assert loader_threads(TrainSettings(**settings), torch.device(device), processes) == threads


def test_a_copy_shares_nothing_and_keeps_the_layout():
    weights = torch.rand(2, 3, 4, 4).to(memory_format=torch.channels_last)
    value = {"weights": weights, "list": [weights, 1], "pair": (weights,), "none": None}
    copy = host_copy(value)
    assert copy["weights"].stride() == weights.stride()
    expected = weights.clone()
    weights.zero_()
    for each in (copy["weights"], copy["list"][0], copy["pair"][0]):
        assert torch.equal(each, expected)
    assert (copy["list"][1], copy["none"]) == (1, None)
