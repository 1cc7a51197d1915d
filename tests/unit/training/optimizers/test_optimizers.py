import pytest
import torch

from searchctl.trainer.core.host_copies import host_copy
from searchctl.trainer.models.finetune import freeze
from searchctl.trainer.models.networks.simple_fcn import SimpleFCN
from searchctl.trainer.models.networks.unet import UNet
from searchctl.trainer.optim.lr_schedules import build_lr_schedule
from searchctl.trainer.optim.optimizers import build_optimizer
from searchctl.trainer.optim.restoring import restore_optimizer
from searchctl.trainer.settings.catalog import LR_SCHEDULES
from searchctl.trainer.settings.training import TrainSettings


def model():
    return SimpleFCN(5, width=2)


@pytest.mark.parametrize(
    ("name", "kind", "given"),
    [
        ("adamw", torch.optim.AdamW, {"lr": 0.02, "weight_decay": 0.3, "amsgrad": True}),
        ("adam", torch.optim.Adam, {"lr": 0.02, "weight_decay": 0.3, "amsgrad": True}),
        ("adamax", torch.optim.Adamax, {"lr": 0.02, "weight_decay": 0.3}),
        ("sgd", torch.optim.SGD, {"lr": 0.02, "weight_decay": 0.3, "momentum": 0.4}),
    ],
)
def test_optimizer_is_given_what_the_settings_say(name, kind, given):
    optimizer = build_optimizer(TrainSettings(optimizer=name, **given), model())
    assert type(optimizer) is kind
    for group in optimizer.param_groups:
        assert {key: group[key] for key in given} == given


@pytest.mark.parametrize("name", ["adamw", "adam", "sgd"])
@pytest.mark.parametrize(("fused", "expected"), [("auto", None), (False, None), (True, True)])
def test_steps_are_fused_on_a_gpu_or_where_it_is_stated(name, fused, expected):
    optimizer = build_optimizer(TrainSettings(optimizer=name, fused=fused), model())
    assert {group["fused"] for group in optimizer.param_groups} == {expected}


def stepped(optimizer, network, steps):
    for step in range(steps):
        for number, weights in enumerate(network.parameters()):
            generator = torch.Generator().manual_seed(100 * step + number)
            gradient = torch.rand(weights.shape, generator=generator)
            weights.grad = torch.empty_like(weights).copy_(gradient)
        optimizer.step()
    return network.state_dict()


@pytest.mark.parametrize("name", ["adamw", "adam", "sgd"])
@pytest.mark.parametrize("fused", [True, False])
def test_an_optimizer_continues_on_another_device(name, fused):
    """There, steps are fused or not, and weights have another memory layout."""
    torch.manual_seed(0)
    first, second = model(), model().to(memory_format=torch.channels_last)
    before = build_optimizer(TrainSettings(optimizer=name, fused=not fused), first)
    stepped(before, first, 2)
    second.load_state_dict(first.state_dict())
    after = build_optimizer(TrainSettings(optimizer=name, fused=fused), second)
    restore_optimizer(after, host_copy(before.state_dict()))
    assert {group["fused"] for group in after.param_groups} == {fused or None}
    expected, found = stepped(before, first, 2), stepped(after, second, 2)
    for weights in expected:
        torch.testing.assert_close(found[weights], expected[weights])


def test_optimizer_has_what_is_trained_once():
    network = model()
    freeze(network, "frozen_decoder")
    optimizer = build_optimizer(TrainSettings(), network)
    held = [weights for group in optimizer.param_groups for weights in group["params"]]
    assert set(held) == {*network.encoder.parameters(), *network.classifier.parameters()}
    assert len(held) == len(set(held))


def test_encoder_has_a_learning_rate_of_its_own():
    network = model()
    settings = TrainSettings(lr=0.1, encoder_lr_scale=0.5)
    rates = {
        weights: group["lr"]
        for group in build_optimizer(settings, network).param_groups
        for weights in group["params"]
    }
    assert {rates[weights] for weights in network.encoder.parameters()} == {0.05}
    assert {rates[weights] for weights in network.decoder.parameters()} == {0.1}


@pytest.mark.parametrize("schedule", LR_SCHEDULES)
def test_every_schedule_keeps_the_encoders_share_of_the_learning_rate(schedule):
    settings = TrainSettings(lr_schedule=schedule, lr=0.1, encoder_lr_scale=0.5, lr_decay=0.5)
    optimizer = build_optimizer(settings, model())
    changes = build_lr_schedule(optimizer, settings, steps=2, higher_is_better=True)
    for score in (0.5, 0.4, 0.3):
        optimizer.step()
        changes.after_step()
        changes.after_epoch(score)
    head, encoder = (group["lr"] for group in optimizer.param_groups)
    assert encoder == pytest.approx(head / 2)


@pytest.mark.parametrize(
    ("name", "left"),
    [
        ("adamw", 8.0 * (1 - 0.1 * 0.5)),  # decoupled: shrinks by lr * decay
        ("sgd", 8.0 - 0.1 * 0.5 * 8.0),  # a penalty: its gradient is decay * weight
        ("adam", 8.0 - 0.1),  # a penalty too, of which Adam's scaling leaves the sign only
        ("adamax", 8.0 - 0.1),
    ],
)
def test_weight_decay_without_another_gradient(name, left):
    network = model()
    for weights in network.parameters():
        torch.nn.init.constant_(weights, 8.0)
        weights.grad = torch.zeros_like(weights)
    settings = TrainSettings(optimizer=name, lr=0.1, weight_decay=0.5, momentum=0.0)
    build_optimizer(settings, network).step()
    for weights in network.parameters():
        assert weights.flatten()[0].item() == pytest.approx(left)


def groups_of(settings, network):
    return [
        (group["lr"], group["weight_decay"], set(group["params"]))
        for group in build_optimizer(settings, network).param_groups
    ]


def test_norms_and_biases_are_decayed_unless_the_settings_say_otherwise():
    network = UNet(3, width=2)
    all_weights = set(network.parameters())
    small = {weights for weights in all_weights if weights.dim() == 1}
    assert small
    both = groups_of(TrainSettings(weight_decay=0.3, decay_norms=False), network)
    undecayed = set().union(*(weights for _, decay, weights in both if decay == 0))
    assert undecayed == small
    assert set().union(*(weights for _, decay, weights in both if decay == 0.3)) == (
        all_weights - small
    )
    assert {decay for _, decay, _ in groups_of(TrainSettings(weight_decay=0.3), network)} == {0.3}


def test_each_stage_of_the_encoder_has_the_learning_rate_of_the_next_times_the_decay():
    network = UNet(3, width=2)
    settings = TrainSettings(lr=0.8, encoder_lr_scale=0.5, encoder_lr_decay=0.5)
    head, *stages = groups_of(settings, network)
    assert head[0] == 0.8
    of_encoder = [
        {weights for module in stage for weights in module.parameters()}
        for stage in network.stages()
    ]
    rates = [0.4 * 0.5**number for number in range(len(of_encoder))]
    assert [(lr, weights) for lr, _, weights in stages] == list(
        zip(rates, reversed(of_encoder), strict=True)
    )
