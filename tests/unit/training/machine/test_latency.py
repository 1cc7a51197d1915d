"""The latency of a network: what is counted, for how long, and what it leaves as it was."""

import time

import pytest
import torch
from torch import nn

from searchctl.trainer.evaluation import scoring as latency
from searchctl.trainer.evaluation.scoring import FEWEST, MOST, latency_ms
from searchctl.trainer.models.networks.simple_fcn import SimpleFCN
from searchctl.trainer.run.precision import Precision
from searchctl.trainer.settings.training import TrainSettings

IMAGE = torch.zeros(1, 3, 16, 16, dtype=torch.uint8)


class Sleeping(nn.Module):
    """A network whose passes take given times, then the last one's time."""

    def __init__(self, *seconds):
        super().__init__()
        self.seconds, self.passes = seconds, 0

    def forward(self, images):
        time.sleep(self.seconds[min(self.passes, len(self.seconds) - 1)])
        self.passes += 1
        return images


def measure(model, job_seconds=0.0, **settings):
    precision = Precision(TrainSettings(**settings), torch.device("cpu"))
    return latency_ms(model, IMAGE, precision, job_seconds=job_seconds)


def test_the_first_pass_warms_up_and_one_that_was_disturbed_does_not_count():
    assert 10 <= measure(Sleeping(0.2, 0.01, 0.1, 0.01)) < 60


@pytest.mark.parametrize("job_seconds", [0.0, 0.1])
def test_a_short_job_is_not_held_up(job_seconds):
    model = Sleeping(0.01)
    measure(model, job_seconds)
    assert model.passes == FEWEST


def test_a_long_job_is_held_up_for_half_a_second_at_most():
    model = Sleeping(0.02)
    measure(model, job_seconds=3600)
    assert FEWEST < model.passes <= latency.LONGEST_S / 0.02 + 1


def test_a_quick_network_is_measured_a_bounded_number_of_times():
    model = Sleeping(0)
    measure(model, job_seconds=3600)
    assert model.passes == MOST


def test_neither_statistics_nor_random_numbers_change():
    torch.manual_seed(0)
    model = SimpleFCN(3, width=4).train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    state = torch.get_rng_state()
    assert measure(model) > 0
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


@pytest.mark.parametrize(
    ("precision", "number"), [("fp32", torch.float32), ("bf16", torch.bfloat16)]
)
def test_a_network_is_measured_in_the_precision_that_it_is_scored_in(precision, number):
    model = nn.Conv2d(3, 2, 1)
    found = []
    model.register_forward_hook(
        lambda *arguments: found.append((arguments[2].dtype, model.training))
    )
    measure(model, precision=precision)
    assert set(found) == {(number, False)}
