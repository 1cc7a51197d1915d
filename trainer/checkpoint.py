"""Weights in safetensors files that are either whole or not there."""

import os
import uuid
from collections.abc import Mapping
from pathlib import Path

import safetensors.torch
from safetensors import SafetensorError
from torch import Tensor

from trainer.errors import SettingsError


def save_weights(weights: Mapping[str, Tensor], path: Path) -> None:
    """Write a state dict atomically: a reader sees the old file or the new one, never a part.

    The bytes go to a temporary file in the same directory, to the disk, and then to their name.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    whole = {name: tensor.detach().cpu().contiguous() for name, tensor in weights.items()}
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        with temporary.open("wb") as file:
            file.write(safetensors.torch.save(whole))
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def load_weights(path: Path) -> dict[str, Tensor]:
    """Read a state dict onto the CPU.

    Raises:
        SettingsError: the file is not there or is no whole safetensors file.
    """
    try:
        weights: dict[str, Tensor] = safetensors.torch.load_file(path)
    except (FileNotFoundError, SafetensorError) as error:
        raise SettingsError(f"cannot read weights from {path}: {error}") from error
    return weights
