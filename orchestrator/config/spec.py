"""The spec of a sweep (the settings that change its results): hash and differences."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

Spec = Mapping[str, Any]


def spec_hash(spec: Spec) -> str:
    """Return the SHA-256 of the canonical JSON, in hexadecimal digits."""
    return hashlib.sha256(_text(spec, sort=True).encode()).hexdigest()


def differences(before: Spec, after: Spec) -> list[str]:
    """Return one line for each setting that changed.

    >>> differences({"training": {"epochs": 20}}, {"training": {"epochs": 30}})
    ['training.epochs: 20 -> 30']
    """
    old, new = dict(_leaves(before)), dict(_leaves(after))
    return [
        f"{path}: {old.get(path, 'absent')} -> {new.get(path, 'absent')}"
        for path in dict.fromkeys([*old, *new])
        if old.get(path) != new.get(path)
    ]


def _leaves(node: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, str]]:
    for key, value in node.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{path}{key}.")
        else:
            yield f"{path}{key}", _text(value)


def _text(value: Any, sort: bool = False) -> str:
    return json.dumps(value, sort_keys=sort, ensure_ascii=False, allow_nan=False)
