"""The optimizers: one function for each name that a sweep.yaml may give.

Weight decay is applied to all parameters alike, as torch does by default.
"""

from typing import Any

import torch
from torch.optim import Optimizer

from searchctl.trainer.models.base import SegmentationModel
from searchctl.trainer.optim.catalog import AdamaxOptions, AdamOptions, SgdOptions
from searchctl.trainer.settings.catalog import part_named
from searchctl.trainer.settings.training import TrainSettings

Groups = list[dict[str, Any]]
"""Parameters with their initial learning rate and weight decay: see `torch.optim.Optimizer`."""


def build_optimizer(settings: TrainSettings, model: SegmentationModel) -> Optimizer:
    """Return the named optimizer over what is trained of the model."""
    part = part_named("optimizer", settings.optimizer)
    groups = _groups(settings, model)
    optimizer: Optimizer = part.load()(groups, part.options_in(settings))
    return optimizer


def _groups(settings: TrainSettings, model: SegmentationModel) -> Groups:
    """Return the head and the encoder, which has a learning rate of its own."""
    scaled = settings.encoder_lr_scale != 1
    has_encoder = scaled or model.offers("encoder")
    of_encoder = set(model.part("encoder").parameters()) if has_encoder else set()
    trained = [weights for weights in model.parameters() if weights.requires_grad]
    head = [weights for weights in trained if weights not in of_encoder]
    encoder = [weights for weights in trained if weights in of_encoder]
    shared = {"weight_decay": settings.weight_decay}
    groups = [
        {"params": head, "lr": settings.lr, **shared},
        {"params": encoder, "lr": settings.lr * settings.encoder_lr_scale, **shared},
    ]
    return [group for group in groups if group["params"]]


def adamw(groups: Groups, options: AdamOptions) -> Optimizer:
    """Adam with decoupled weight decay (Loshchilov and Hutter, 2019)."""
    return torch.optim.AdamW(groups, amsgrad=options.amsgrad)


def adam(groups: Groups, options: AdamOptions) -> Optimizer:
    """Adam (Kingma and Ba, 2015); weight decay is an L2 penalty in the gradient."""
    return torch.optim.Adam(groups, amsgrad=options.amsgrad)


def adamax(groups: Groups, options: AdamaxOptions) -> Optimizer:
    """Adam with the infinity norm (Kingma and Ba, 2015, section 7.1); the penalty is adam's."""
    return torch.optim.Adamax(groups)


def sgd(groups: Groups, options: SgdOptions) -> Optimizer:
    """Stochastic gradient descent with momentum; weight decay is an L2 penalty."""
    return torch.optim.SGD(groups, momentum=options.momentum)
