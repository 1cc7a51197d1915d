"""Batch normalisation over the whole batch when each process has a shard of its images."""

from collections.abc import Callable, Mapping
from typing import Any

import torch.distributed as dist
import torch.nn.functional as F
from torch import Tensor
from torch.nn.modules._functions import SyncBatchNorm
from torch.overrides import TorchFunctionMode

from searchctl.trainer.ddp.group import ProcessGroup


class SyncBatchNormMode(TorchFunctionMode):
    """Context in which batch normalisation in training uses the statistics of all processes.

    It replaces the function `F.batch_norm`, which every BatchNorm module calls, and not the
    modules. torch.nn.SyncBatchNorm would replace the modules, also those of timm that include an
    activation, and would lose the activation. On a GPU, the code of SyncBatchNorm is used; it has
    no CPU version.
    """

    def __init__(self, process_group: ProcessGroup) -> None:
        super().__init__()
        self._process_group = process_group

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        given = dict(kwargs or {})
        if func is not F.batch_norm or not given.get("training"):
            return func(*args, **given)
        return _normalised(self._process_group, *args, **given)


def _normalised(
    process_group: ProcessGroup,
    images: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None,
    bias: Tensor | None,
    *,
    training: bool,
    momentum: float,
    eps: float,
) -> Tensor:
    if images.device.type == "cuda":
        weights, running = (weight, bias), (running_mean, running_var)
        on_gpu: Tensor = SyncBatchNorm.apply(  # type: ignore[no-untyped-call]
            images, *weights, *running, eps, momentum, dist.group.WORLD, process_group.size
        )
        return on_gpu
    # SyncBatchNorm has no CPU version: the same sums by differentiable all-reduces
    sides = [side for side in range(images.dim()) if side != 1]
    by_channel = [-1 if side == 1 else 1 for side in range(1, images.dim())]
    values = images.float()
    count = process_group.all_reduce_sum(values.new_tensor(values.numel() // values.shape[1]))
    mean = process_group.all_reduce_sum(values.sum(sides)) / count
    centred = values - mean.view(by_channel)
    variance = process_group.all_reduce_sum(centred.square().sum(sides)) / count
    if running_mean is not None and running_var is not None:
        running_mean.lerp_(mean.detach(), momentum)
        # as in torch, the running variance is the unbiased one
        running_var.lerp_(variance.detach() * (count / (count - 1)), momentum)
    normalised = centred * (variance + eps).rsqrt().view(by_channel)
    if weight is not None and bias is not None:
        normalised = normalised * weight.view(by_channel) + bias.view(by_channel)
    return normalised.to(images.dtype)
