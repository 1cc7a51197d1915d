"""Restores an optimizer's state on the device and in the memory layout of its weights."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer


def restore_optimizer(optimizer: Optimizer, state: Mapping[str, Any]) -> None:
    """Load the `state_dict` of an optimizer of the same weights, on any device.

    The state may come from a GPU, where steps are fused and weights have another memory layout. A
    fused step reads weights and state side by side, so both need one layout.
    """
    own = optimizer.state_dict()["param_groups"]
    groups = [
        {**saved, "fused": now["fused"]} if "fused" in now else saved
        for saved, now in zip(state["param_groups"], own, strict=True)
    ]
    optimizer.load_state_dict({**state, "param_groups": groups})
    if not any(group.get("fused") for group in optimizer.param_groups):
        return
    for weights, values in optimizer.state.items():
        values.update({name: _laid_out_as(weights, value) for name, value in values.items()})


def _laid_out_as(weights: Tensor, value: Any) -> Any:
    if not isinstance(value, Tensor) or value.shape != weights.shape:
        return value
    if value.stride() == weights.stride():
        return value
    return torch.empty_like(weights, dtype=value.dtype).copy_(value)
