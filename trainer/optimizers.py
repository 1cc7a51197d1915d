"""The optimizers: one function for each name that a sweep.yaml may give.

Weight decay is applied to all parameters alike, as torch does by default.
"""

from collections.abc import Iterable

import torch
from torch.nn import Parameter
from torch.optim import Optimizer

from trainer.catalog import OPTIMIZERS, load
from trainer.settings import TrainSettings


def build_optimizer(settings: TrainSettings, parameters: Iterable[Parameter]) -> Optimizer:
    """Return the named optimizer over the parameters."""
    optimizer: Optimizer = load(OPTIMIZERS, settings.optimizer)(parameters, settings)
    return optimizer


def adamw(parameters: Iterable[Parameter], settings: TrainSettings) -> Optimizer:
    """Adam with decoupled weight decay (Loshchilov and Hutter, 2019)."""
    return torch.optim.AdamW(
        parameters,
        lr=settings.lr,
        weight_decay=settings.weight_decay,
        amsgrad=settings.amsgrad,
    )


def adam(parameters: Iterable[Parameter], settings: TrainSettings) -> Optimizer:
    """Adam (Kingma and Ba, 2015); weight decay is an L2 penalty in the gradient."""
    return torch.optim.Adam(
        parameters,
        lr=settings.lr,
        weight_decay=settings.weight_decay,
        amsgrad=settings.amsgrad,
    )


def sgd(parameters: Iterable[Parameter], settings: TrainSettings) -> Optimizer:
    """Stochastic gradient descent with momentum; weight decay is an L2 penalty."""
    return torch.optim.SGD(
        parameters,
        lr=settings.lr,
        momentum=settings.momentum,
        weight_decay=settings.weight_decay,
    )
