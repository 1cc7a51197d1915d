"""The metadata of safetensors files, read and replaced without their tensors; torch-free.

A file is 8 bytes (the length of the header), a header in JSON, and the tensors. The safetensors
library writes metadata in no fixed order; here equal metadata give equal bytes.
"""

import json
import math
import struct
from collections.abc import Mapping
from typing import Any

from upath import UPath

from searchctl.trainer.core.atomic_files import read_file
from searchctl.trainer.core.errors import SettingsError

_METADATA = "__metadata__"
_LENGTH = struct.Struct("<Q")
_LONGEST = 100_000_000
"""Bytes of a header that safetensors itself reads at most."""


def metadata_of(content: bytes, path: object) -> dict[str, str]:
    """Return the metadata of a file; none if it has none.

    Args:
        content: of the file.
        path: of the file, for messages.

    Raises:
        SettingsError: it is no safetensors file.
    """
    found: dict[str, str] = _header(content, path)[0].get(_METADATA, {})
    return found


def read_metadata(path: UPath) -> dict[str, str]:
    """Return the metadata of the file at a path; none if it has none.

    Raises:
        SettingsError: the file is missing, or no safetensors file.
        OSError: the disk or the store does not respond.
    """
    return metadata_of(read_model_file(path), path)


def read_model_file(path: UPath) -> bytes:
    """Return the content of a file of weights.

    Raises:
        SettingsError: the file is missing.
        OSError: the disk or the store does not respond.
    """
    try:
        return read_file(path)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
        raise SettingsError(f"there is no model at {path}") from error


def with_metadata(content: bytes, metadata: Mapping[str, str], path: object = "") -> bytes:
    """Return the content of a file with other metadata, and the same tensors.

    Raises:
        SettingsError: it is no safetensors file.
    """
    header, tensors = _header(content, path)
    written = json.dumps({_METADATA: dict(metadata), **_without(header)}).encode()
    written += b" " * (-len(written) % 8)  # tensors begin at a multiple of 8
    return _LENGTH.pack(len(written)) + written + content[tensors:]


def numbers_in(content: bytes, path: object = "") -> int:
    """Return how many numbers the tensors of a file have.

    Raises:
        SettingsError: it is no safetensors file.
    """
    tensors = _without(_header(content, path)[0]).values()
    return sum(math.prod(tensor["shape"]) for tensor in tensors)


def _header(content: bytes, path: object) -> tuple[dict[str, Any], int]:
    """Return a file's header, and where its tensors begin."""
    try:
        (length,) = _LENGTH.unpack_from(content)
        end = _LENGTH.size + length
        if length > _LONGEST or end > len(content):
            raise ValueError
        header = json.loads(content[_LENGTH.size : end])
        if not isinstance(header, dict):
            raise ValueError
    except (ValueError, struct.error) as error:
        raise SettingsError(f"{path} is no safetensors file, or is damaged") from error
    return header, end


def _without(header: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in header.items() if name != _METADATA}
