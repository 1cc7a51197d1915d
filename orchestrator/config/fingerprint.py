"""Versions of the packages and of this code, which determine the numbers of a sweep."""

import hashlib
import os
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from pathlib import Path

from searchctl.trainer.core.errors import OWN_PACKAGE
from searchctl.trainer.core.seeds import NUMERICS

PACKAGES = ("searchctl", "torch", "numpy", "albumentations", "optuna", "ray")
"""Packages whose major version a resumed sweep must have."""
_RECORDED = ("timm", "opencv-python-headless", "pillow")
"""Further packages on which numbers depend."""
_OWN = "numerics"
"""What stored versions call the version of our own numbers; the first one had no entry."""


@cache
def versions() -> dict[str, str]:
    """Return the versions of all numerics packages; `code` is a hash of our own source files."""
    packages = {package: version(package) for package in (*PACKAGES, *_RECORDED)}
    return {
        **packages,
        "python": sys.version.split()[0],
        "code": _code(),
        _OWN: str(NUMERICS),
    }


def installed(package: str) -> str | None:
    """Return a package's version; None if it is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def major_changes(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """Return the packages whose major version changed, since this alone may change the numbers.

    >>> major_changes({"torch": "2.9.1", "ray": "2.50"}, {"torch": "3.0.0", "ray": "2.60"})
    ['torch: 2.9.1 -> 3.0.0']
    """
    return [
        f"{package}: {before[package]} -> {now[package]}"
        for package in PACKAGES
        if package in before and _major(before[package]) != _major(now[package])
    ]


def numbers_changed(before: Mapping[str, str]) -> bool:
    """Return whether jobs give other numbers now than with the versions that a sweep stored."""
    return before.get(_OWN, "1") != str(NUMERICS)


def _major(version_: str) -> str:
    return version_.split(".")[0]


def _code() -> str:
    digest = hashlib.sha256()
    folder = Path(str(files(OWN_PACKAGE)))
    for path in sorted(_sources(folder)):  # rglob does not follow the links of a checkout
        digest.update(path.relative_to(folder).as_posix().encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _sources(folder: Path) -> Iterator[Path]:
    for directory, _, names in os.walk(folder, followlinks=True):
        yield from (Path(directory, name) for name in names if name.endswith(".py"))
