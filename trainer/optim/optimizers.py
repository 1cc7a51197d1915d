"""The optimizers: one function for each name that a sweep.yaml may give."""

import torch
from torch.optim import Optimizer

from searchctl.trainer.models.base import SegmentationModel
from searchctl.trainer.optim.catalog import (
    AdamaxOptions,
    AdamOptions,
    FusedOptions,
    SgdOptions,
)
from searchctl.trainer.optim.groups import Groups, parameter_groups
from searchctl.trainer.settings.catalog import part_named
from searchctl.trainer.settings.training import TrainSettings


def build_optimizer(settings: TrainSettings, model: SegmentationModel) -> Optimizer:
    """Return the named optimizer over what is trained of the model."""
    part = part_named("optimizer", settings.optimizer)
    groups = parameter_groups(settings, model)
    optimizer: Optimizer = part.load()(groups, part.options_in(settings))
    return optimizer


def adamw(groups: Groups, options: AdamOptions) -> Optimizer:
    """Adam with decoupled weight decay (Loshchilov and Hutter, 2019)."""
    return torch.optim.AdamW(groups, amsgrad=options.amsgrad, fused=_is_fused(groups, options))


def adam(groups: Groups, options: AdamOptions) -> Optimizer:
    """Adam (Kingma and Ba, 2015); weight decay is an L2 penalty in the gradient."""
    return torch.optim.Adam(groups, amsgrad=options.amsgrad, fused=_is_fused(groups, options))


def adamax(groups: Groups, options: AdamaxOptions) -> Optimizer:
    """Adam with the infinity norm (Kingma and Ba, 2015, section 7.1); the penalty is adam's."""
    return torch.optim.Adamax(groups)


def sgd(groups: Groups, options: SgdOptions) -> Optimizer:
    """Stochastic gradient descent with momentum; weight decay is an L2 penalty."""
    fused = _is_fused(groups, options)
    return torch.optim.SGD(groups, momentum=options.momentum, fused=fused)


def _is_fused(groups: Groups, options: FusedOptions) -> bool | None:
    """Return torch's own argument: None lets torch choose among the other ways."""
    on_gpu = any(weights.is_cuda for group in groups for weights in group["params"])
    return (on_gpu if options.fused == "auto" else options.fused) or None
