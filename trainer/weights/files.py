"""Weight files: written as safetensors; read from safetensors and from files of torch.save."""

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
from searchctl.trainer.trained.header import with_metadata
from searchctl.trainer.weights.bounds import refuse_expanded, refuse_growth, refuse_other_content

PICKLED = (".pth", ".pt", ".bin")
"""Suffixes of files that torch.save wrote; all other files are safetensors."""
SUFFIXES = (".safetensors", *PICKLED)

_SAVED, _SAVED_PICKLED = "model.safetensors", "pytorch_model.bin"
"""How `train` and `save_pretrained` name them in a directory."""

_WRAPPERS = ("state_dict_ema", "model_ema", "state_dict", "model")
"""Keys under which training scripts store the state dict; the first that exists counts, as in
timm."""
_PREFIXES = ("_orig_mod.", "module.", "_orig_mod.")
"""Prefixes that torch.compile and DistributedDataParallel add to the names, in either order."""
_LONGEST = 400  # characters of an error: torch lists every tensor that does not match


@dataclass(frozen=True)
class Weights:
    """The content of a file of weights."""

    tensors: Mapping[str, Tensor]
    """The state dict, on the CPU."""
    sha256: str
    """SHA-256 of the file: 64 hexadecimal digits, as printed by `sha256sum`."""


def save_weights(
    weights: Mapping[str, Tensor], path: UPath, metadata: Mapping[str, str] | None = None
) -> None:
    """Write a state dict atomically: a reader sees the old file or the new one, never a part.

    Args:
        weights: the state dict.
        path: of the file.
        metadata: of the file, if it has any.

    Raises:
        OSError: the file cannot be written.
    """
    whole = {name: tensor.detach().cpu().contiguous() for name, tensor in weights.items()}
    content = safetensors.torch.save(whole)
    write_atomically(path, with_metadata(content, metadata) if metadata else content)


def weights_file(path: UPath) -> UPath:
    """Return the file of weights that a path names: itself, or the one of a saved network."""
    if path.suffix in SUFFIXES:
        return path
    pickled = path / _SAVED_PICKLED
    return pickled if file_exists(pickled) else path / _SAVED


def load_weights(path: UPath) -> Weights:
    """Read a state dict onto the CPU. Code in the file is never executed.

    Raises:
        SettingsError: the file is missing, is damaged, or has no state dict.
        OSError: the disk or the store does not respond.
    """
    problem = f"cannot read weights from {path}"
    try:
        content = read_file(path)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
        raise SettingsError(f"{problem}: {error}") from error
    with as_settings_error(problem):
        refuse_other_content(content)
        saved = _unpickled(content) if path.suffix in PICKLED else safetensors.torch.load(content)
        tensors = _state_dict(saved)
        refuse_expanded(tensors)
    return Weights(tensors, hashlib.sha256(content).hexdigest())


@contextmanager
def as_settings_error(what: str) -> Iterator[None]:
    """Convert errors to a SettingsError whose message starts with `what`.

    Errors of the machine are raised unchanged. Weights come from any source, and damaged or wrong
    ones can raise any error, so no list of error classes would be complete.
    """
    try:
        yield
    except Exception as error:
        if status_for_error(error) in ("lost", "out_of_memory"):
            raise
        why = repr(error) if isinstance(error, LookupError) else str(error)
        raise SettingsError(f"{what}: {shorten(why, _LONGEST)}") from error


def _unpickled(content: bytes) -> Any:
    refuse_growth(content)
    try:
        with warnings.catch_warnings():
            # torch warns before it fails; the error below has the same information
            warnings.filterwarnings("ignore", "Detected pickle protocol", UserWarning)
            return torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except UnpicklingError as error:
        # not torch's own message, which explains how to execute the code in the file
        raise SettingsError(
            "it is damaged, or has objects other than tensors, which are not loaded: save only its "
            "state dict, preferably as safetensors"
        ) from error


def _state_dict(saved: Any) -> dict[str, Tensor]:
    """Return the state dict, without the wrapper of a training script."""
    for key in _WRAPPERS:
        if isinstance(saved, Mapping) and isinstance(saved.get(key), Mapping):
            saved = saved[key]
            break
    if not isinstance(saved, Mapping) or not saved:
        raise SettingsError("it has no state dict")
    others = [name for name, value in saved.items() if not isinstance(value, Tensor)]
    if others:
        raise SettingsError(f"it has no state dict: {others[0]!r} is not a tensor")
    return {_bare(str(name)): tensor for name, tensor in saved.items()}


def _bare(name: str) -> str:
    for prefix in _PREFIXES:
        name = name.removeprefix(prefix)
    return name
