import pytest
import torch

from trainer.optimizers import build_optimizer
from trainer.settings import TrainSettings


@pytest.mark.parametrize(
    ("name", "kind", "given"),
    [
        ("adamw", torch.optim.AdamW, {"lr": 0.02, "weight_decay": 0.3, "amsgrad": True}),
        ("adam", torch.optim.Adam, {"lr": 0.02, "weight_decay": 0.3, "amsgrad": True}),
        ("sgd", torch.optim.SGD, {"lr": 0.02, "weight_decay": 0.3, "momentum": 0.4}),
    ],
)
def test_optimizer_is_given_what_the_settings_say(name, kind, given):
    parameters = [torch.nn.Parameter(torch.zeros(2))]
    optimizer = build_optimizer(TrainSettings(optimizer=name, **given), parameters)
    assert type(optimizer) is kind
    assert {key: optimizer.param_groups[0][key] for key in given} == given
    assert optimizer.param_groups[0]["params"] == parameters


@pytest.mark.parametrize(
    ("name", "left"),
    [
        ("adamw", 8.0 * (1 - 0.1 * 0.5)),  # decoupled: shrinks by lr * decay
        ("sgd", 8.0 - 0.1 * 0.5 * 8.0),  # a penalty: its gradient is decay * weight
        ("adam", 8.0 - 0.1),  # a penalty too, of which Adam's scaling leaves the sign only
    ],
)
def test_weight_decay_without_another_gradient(name, left):
    weight = torch.nn.Parameter(torch.tensor([8.0]))
    weight.grad = torch.zeros(1)
    settings = TrainSettings(optimizer=name, lr=0.1, weight_decay=0.5, momentum=0.0)
    build_optimizer(settings, [weight]).step()
    assert weight.item() == pytest.approx(left)
