"""Weights in safetensors files."""

import hashlib
from collections.abc import Mapping

import safetensors.torch
from safetensors import SafetensorError
from torch import Tensor
from upath import UPath

from trainer.errors import SettingsError
from trainer.whole_files import read_whole, write_whole


def save_weights(weights: Mapping[str, Tensor], path: UPath) -> None:
    """Write a state dict: a reader sees the old file or the new one, never a part.

    Raises:
        OSError: the file cannot be written.
    """
    write_whole(path, _content(weights))


def load_weights(path: UPath) -> dict[str, Tensor]:
    """Read a state dict onto the CPU; runs no code, whatever the file holds.

    Raises:
        SettingsError: the file is not there or is no whole safetensors file.
        OSError: the disk or the store does not answer.
    """
    try:
        weights: dict[str, Tensor] = safetensors.torch.load(read_whole(path))
    except (FileNotFoundError, SafetensorError) as error:
        raise SettingsError(f"cannot read weights from {path}: {error}") from error
    return weights


def fingerprint(weights: Mapping[str, Tensor]) -> str:
    """Return a hash of the names, shapes and values: 64 hexadecimal digits."""
    return hashlib.sha256(_content(weights)).hexdigest()


def _content(weights: Mapping[str, Tensor]) -> bytes:
    whole = {name: tensor.detach().cpu().contiguous() for name, tensor in weights.items()}
    content: bytes = safetensors.torch.save(whole)
    return content
