"""The exponential moving average of a network, against its formula and torch's own."""

import pytest
import torch
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from searchctl.trainer.optim.ema import Average
from tests.networks.tiny_models import tiny


def change(model, step):
    """Give every floating-point tensor of a network new values, and count in the others."""
    noise = torch.Generator().manual_seed(step)
    for tensor in model.state_dict().values():
        if tensor.is_floating_point():
            tensor.copy_(torch.randn(tensor.shape, generator=noise))
        else:
            tensor.add_(1)


@pytest.fixture
def network():
    return tiny("unet", width=2)


@pytest.mark.parametrize("decay", [0.2, 0.9, 0.9999])
def test_the_average_is_that_of_the_formula_with_its_warm_up(network, decay):
    average = Average(network, decay)
    expected = {name: value.double() for name, value in network.state_dict().items()}
    for step in range(12):
        change(network, step)
        average.update(network)
        kept = min(decay, (1 + step) / (10 + step))
        for name, value in network.state_dict().items():
            expected[name] = kept * expected[name] + (1 - kept) * value.double()
    for name, value in average.model.state_dict().items():
        if value.is_floating_point():
            torch.testing.assert_close(value.double(), expected[name], rtol=1e-5, atol=1e-6)


def test_without_its_warm_up_the_average_is_torchs(network):
    decay = 0.1  # the warm-up begins there
    ours = Average(network, decay)
    oracle = AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(decay), use_buffers=True)
    oracle.n_averaged += 1  # torch would copy the network at first
    for step in range(5):
        change(network, step)
        ours.update(network)
        oracle.update_parameters(network)
    theirs = oracle.module.state_dict()
    for name, value in ours.model.state_dict().items():
        if value.is_floating_point():
            assert torch.equal(value, theirs[name])


def test_statistics_of_batch_normalisation_are_averaged_too(network):
    average = Average(network, 0.1)
    before = {name: value.clone() for name, value in network.named_buffers()}
    change(network, 0)
    average.update(network)
    for name, value in average.model.named_buffers():
        if name.endswith("running_mean"):
            new = dict(network.named_buffers())[name]
            torch.testing.assert_close(value, 0.1 * before[name] + 0.9 * new)


def test_whole_numbers_are_those_of_the_network(network):
    network.register_buffer("table", torch.arange(4096))
    average = Average(network, 0.9)
    for step in range(100):
        change(network, step)
        average.update(network)
    assert torch.equal(average.model.table, network.table)
    counts = [value for name, value in average.model.named_buffers() if "num_batches" in name]
    assert counts
    assert all(count == 100 for count in counts)


def test_what_does_not_change_stays_as_it_is_to_the_last_bit(network):
    average = Average(network, 0.999)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    for _ in range(50):
        average.update(network)
    for name, value in average.model.state_dict().items():
        assert torch.equal(value, before[name])


def test_the_network_itself_is_left_alone(network):
    average = Average(network, 0.5)
    change(network, 0)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    average.update(network)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


def test_an_average_continues_where_it_was(network):
    whole = Average(network, 0.9)
    for step in range(3):
        change(network, step)
        whole.update(network)
    resumed = Average(tiny("unet", width=2, seed=1), 0.9)
    resumed.load_state_dict(whole.state_dict())
    change(network, 3)
    for average in (whole, resumed):
        average.update(network)
    for name, value in whole.model.state_dict().items():
        assert torch.equal(value, resumed.model.state_dict()[name])
