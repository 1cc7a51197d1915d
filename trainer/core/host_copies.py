"""Copies of tensors in the CPU's memory, in any containers."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor


def host_copy(value: Any) -> Any:
    """Return a value with all of its tensors copied to the CPU's memory; their layout stays.

    Tensors of a GPU are copied to pinned memory, one transfer after the other without a wait, and
    the wait for all of them is at the end.
    """
    devices: set[torch.device] = set()
    copy = _copied(value, devices)
    for device in devices:
        torch.cuda.current_stream(device).synchronize()
    return copy


def _copied(value: Any, devices: set[torch.device]) -> Any:
    match value:
        case Tensor(is_cuda=True):
            devices.add(value.device)
            pinned = torch.empty_like(value, device="cpu", pin_memory=True)
            return pinned.copy_(value, non_blocking=True)
        case Tensor():
            return value.to("cpu", copy=True)
        case Mapping():
            return {key: _copied(each, devices) for key, each in value.items()}
        case list() | tuple():
            return type(value)(_copied(each, devices) for each in value)
    return value
