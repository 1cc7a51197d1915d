"""Imports timm, also where torchvision lacks its compiled operators."""

import importlib
from types import ModuleType
from typing import Any

import torch

_SCHEMA = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
_declared: list[Any] = []
"""A library's declarations last as long as the object."""


def _import(name: str) -> ModuleType:
    """Import a module that imports torchvision.

    A torchvision built for CUDA beside a torch for the CPU, as package managers readily combine
    them, ends its import with 'operator torchvision::nms does not exist'. timm needs its Python
    code alone: the two operators are declared, without any code of theirs, and it imports.
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
