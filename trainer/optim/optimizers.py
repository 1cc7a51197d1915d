"""The optimizers: one function for each name that a sweep.yaml may give.

Weight decay is applied to all parameters alike, as torch does by default.
"""

from typing import Any

import torch
from torch.optim import Optimizer

from searchctl.trainer.models.base import SegmentationModel
from searchctl.trainer.settings.catalog import OPTIMIZERS, load
from searchctl.trainer.settings.training import TrainSettings

Groups = list[dict[str, Any]]
"""Parameters and the learning rate at which they begin: see `torch.optim.Optimizer`."""


def build_optimizer(settings: TrainSettings, model: SegmentationModel) -> Optimizer:
    """Return the named optimizer over what is trained of the model."""
    optimizer: Optimizer = load(OPTIMIZERS, settings.optimizer)(_groups(settings, model), settings)
    return optimizer


def _groups(settings: TrainSettings, model: SegmentationModel) -> Groups:
    """Return the head and the encoder, which has a learning rate of its own."""
    of_encoder = set(model.encoder.parameters())
    trained = [weights for weights in model.parameters() if weights.requires_grad]
    head = [weights for weights in trained if weights not in of_encoder]
    encoder = [weights for weights in trained if weights in of_encoder]
    groups = [
        {"params": head, "lr": settings.lr},
        {"params": encoder, "lr": settings.lr * settings.encoder_lr_scale},
    ]
    return [group for group in groups if group["params"]]


def adamw(groups: Groups, settings: TrainSettings) -> Optimizer:
    """Adam with decoupled weight decay (Loshchilov and Hutter, 2019)."""
    return torch.optim.AdamW(
        groups,
        weight_decay=settings.weight_decay,
        amsgrad=settings.amsgrad,
    )


def adam(groups: Groups, settings: TrainSettings) -> Optimizer:
    """Adam (Kingma and Ba, 2015); weight decay is an L2 penalty in the gradient."""
    return torch.optim.Adam(
        groups,
        weight_decay=settings.weight_decay,
        amsgrad=settings.amsgrad,
    )


def adamax(groups: Groups, settings: TrainSettings) -> Optimizer:
    """Adam with the infinity norm (Kingma and Ba, 2015, section 7.1); the penalty is adam's."""
    return torch.optim.Adamax(groups, weight_decay=settings.weight_decay)


def sgd(groups: Groups, settings: TrainSettings) -> Optimizer:
    """Stochastic gradient descent with momentum; weight decay is an L2 penalty."""
    return torch.optim.SGD(
        groups,
        momentum=settings.momentum,
        weight_decay=settings.weight_decay,
    )
