"""Weights in files: written as safetensors, read from these and from what torch.save writes."""

import hashlib
import io
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pickle import UnpicklingError
from textwrap import shorten
from typing import Any

import safetensors.torch
import torch
from torch import Tensor
from upath import UPath

from searchctl.trainer.core.atomic_files import file_exists, read_file, write_atomically
from searchctl.trainer.core.errors import SettingsError
from searchctl.trainer.core.stopping import status_for_error

PICKLED = (".pth", ".pt", ".bin")
"""How the names of files end that torch.save has written; all others are safetensors."""
SUFFIXES = (".safetensors", *PICKLED)

_SAVED, _SAVED_PICKLED = "model.safetensors", "pytorch_model.bin"
"""How `train` and `save_pretrained` name them in a directory."""

_WRAPPERS = ("state_dict_ema", "model_ema", "state_dict", "model")
"""What training scripts file the state dict under; the first that is there counts, as in timm."""
_PREFIXES = ("_orig_mod.", "module.", "_orig_mod.")
"""What torch.compile and DistributedDataParallel put before the names, in either order."""
_LONGEST = 400  # torch names every tensor that does not fit


@dataclass(frozen=True)
class Weights:
    """The content of a file of weights."""

    tensors: Mapping[str, Tensor]
    """The state dict, on the CPU."""
    sha256: str
    """Of the file, as `sha256sum` has it: 64 hexadecimal digits."""


def save_weights(weights: Mapping[str, Tensor], path: UPath) -> None:
    """Write a state dict: a reader sees the old file or the new one, never a part.

    Raises:
        OSError: the file cannot be written.
    """
    whole = {name: tensor.detach().cpu().contiguous() for name, tensor in weights.items()}
    write_atomically(path, safetensors.torch.save(whole))


def weights_file(path: UPath) -> UPath:
    """Return the file of weights that a path names: itself, or the one of a saved network."""
    if path.suffix in SUFFIXES:
        return path
    pickled = path / _SAVED_PICKLED
    return pickled if file_exists(pickled) else path / _SAVED


def load_weights(path: UPath) -> Weights:
    """Read a state dict onto the CPU; runs no code, whatever the file holds.

    Raises:
        SettingsError: the file is not there, is damaged, or is no state dict.
        OSError: the disk or the store does not answer.
    """
    problem = f"cannot read weights from {path}"
    try:
        content = read_file(path)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
        raise SettingsError(f"{problem}: {error}") from error
    with as_settings_error(problem):
        saved = _unpickled(content) if path.suffix in PICKLED else safetensors.torch.load(content)
    return Weights(_state_dict(saved, problem), hashlib.sha256(content).hexdigest())


@contextmanager
def as_settings_error(what: str) -> Iterator[None]:
    """Turn every error into a SettingsError that begins with `what`, but those of the machine.

    For weights from anywhere: damaged or unfit ones fail in any way.
    """
    try:
        yield
    except Exception as error:
        if status_for_error(error) == "lost":
            raise
        why = repr(error) if isinstance(error, LookupError) else str(error)
        raise SettingsError(f"{what}: {shorten(why, _LONGEST)}") from error


def _unpickled(content: bytes) -> Any:
    try:
        with warnings.catch_warnings():
            # that it may not load, or what it is not: the error says it
            warnings.filterwarnings("ignore", "Detected pickle protocol", UserWarning)
            return torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except UnpicklingError as error:
        # torch's own message ends with how to run the file's code all the same
        raise SettingsError(
            "it is damaged, or holds more than tensors, which is not loaded: save its state dict "
            "alone, best as safetensors"
        ) from error


def _state_dict(saved: Any, problem: str) -> dict[str, Tensor]:
    """Return what was saved, less what training scripts wrap it in."""
    for key in _WRAPPERS:
        if isinstance(saved, Mapping) and isinstance(saved.get(key), Mapping):
            saved = saved[key]
            break
    if not isinstance(saved, Mapping) or not saved:
        raise SettingsError(f"{problem}: it holds no state dict")
    others = [name for name, value in saved.items() if not isinstance(value, Tensor)]
    if others:
        raise SettingsError(f"{problem}: it holds no state dict: {others[0]!r} is no tensor")
    return {_bare(str(name)): tensor for name, tensor in saved.items()}


def _bare(name: str) -> str:
    for prefix in _PREFIXES:
        name = name.removeprefix(prefix)
    return name
