"""Imports timm, even if torchvision lacks its compiled operators."""

import importlib
from types import ModuleType
from typing import Any

import torch

_SCHEMA = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
_declared: list[Any] = []
"""Keeps the libraries alive: the declarations of a torch library end with the object."""


def _import(name: str) -> ModuleType:
    """Import a module that imports torchvision.

    Package managers can install a torchvision for CUDA beside a torch for the CPU. Its import then
    fails with 'operator torchvision::nms does not exist'. timm needs only torchvision's Python
    code. So the two operators are declared without an implementation, and the import succeeds.
    """
    try:
        return importlib.import_module(name)
    except RuntimeError as error:
        if "operator torchvision::" not in str(error):
            raise
    library: Any = torch.library.Library("torchvision", "DEF")  # type: ignore[no-untyped-call]
    library.define(f"nms{_SCHEMA}")
    library.define(f"qnms{_SCHEMA}")
    _declared.append(library)
    return importlib.import_module(name)


torchvision = _import("torchvision")
timm = _import("timm")
