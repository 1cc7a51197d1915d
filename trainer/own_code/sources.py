"""A hash of the source of an object: of its module, and of the user's modules that this imports."""

import ast
import hashlib
import sys
from collections.abc import Iterator
from importlib.util import resolve_name
from pathlib import Path
from types import ModuleType
from typing import Any

from searchctl.trainer.own_code.calls import is_own


def source_hash(target: Any) -> str:
    """Return the hash of the modules that an object of the user's is made of.

    Files that only other parts import do not count, so that what is decoded stays valid when a
    network is edited.
    """
    waiting, found = [sys.modules[target.__module__]], dict[str, bytes]()
    while waiting:
        module = waiting.pop()
        if module.__name__ not in found and (file := getattr(module, "__file__", None)):
            found[module.__name__] = Path(file).read_bytes()
            waiting += _imported(module, found[module.__name__])
    digest = hashlib.sha256()
    for name in sorted(found):
        digest.update(f"{name} {len(found[name])}\n".encode() + found[name])
    return digest.hexdigest()


def _imported(module: ModuleType, source: bytes) -> Iterator[ModuleType]:
    """Yield the user's modules that the text of a module imports, and that were imported."""
    for node in ast.walk(ast.parse(source)):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            written = "." * node.level + (node.module or "")
            base = resolve_name(written, module.__package__ or "") if node.level else written
            names = [base, *(f"{base}.{alias.name}" for alias in node.names)]
        for name in names:
            found = sys.modules.get(name)
            if found is not None and is_own(getattr(found, "__file__", None) or "<"):
                yield found
