"""The transforms of the installed albumentations, read from its source: its import takes seconds.

A pipeline is checked against this table while a sweep file is read. The transforms themselves are
built where images are: in `trainer/data/augment/pipeline.py`.
"""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

Kind = Literal["container", "pixels", "places", "other"]
"""container: holds transforms. pixels: changes the image alone. places: moves pixels of image and
mask. other: is for volumes or tensors."""
_BASES: Mapping[str, Kind] = {
    "BaseCompose": "container",
    "ImageOnlyTransform": "pixels",
    "Transform3D": "other",
    "DualTransform": "places",
    "BasicTransform": "other",
}
_FOLDERS = ("augmentations", "core", "pytorch")


@dataclass(frozen=True)
class Transform:
    """A class that a pipeline may name."""

    kind: Kind
    arguments: tuple[str, ...]
    """Names of the constructor's arguments."""
    needed: tuple[str, ...]
    """Those without a default."""
    pads_mask: bool
    """Whether it fills what lies beyond the image with `fill_mask`, 0 by default."""


@dataclass(frozen=True)
class _Class:
    """What the source of one class says."""

    bases: tuple[str, ...]
    init: ast.arguments | None


@cache
def transforms() -> Mapping[str, Transform]:
    """Return all transforms of the installed albumentations by name."""
    classes: dict[str, _Class] = {}
    public: set[str] = set()
    for file in _sources():
        for node in ast.parse(file.read_text()).body:
            if isinstance(node, ast.ClassDef):
                classes[node.name] = _read(node)
            else:
                public |= _exported(node)
    found = {name: _transform(name, classes) for name in sorted(public & classes.keys())}
    return {name: each for name, each in found.items() if each and name not in _BASES}


def _sources() -> Iterator[Path]:
    spec = find_spec("albumentations")
    for root in (spec and spec.submodule_search_locations) or ():
        for folder in _FOLDERS:
            yield from sorted(Path(root, folder).rglob("*.py"))


def _exported(node: ast.stmt) -> set[str]:
    """Return the names of `__all__ = [...]`; none for other statements."""
    if not isinstance(node, ast.Assign) or ast.unparse(node.targets[0]) != "__all__":
        return set()
    return set(ast.literal_eval(node.value))


def _read(node: ast.ClassDef) -> _Class:
    inits = (each for each in node.body if isinstance(each, ast.FunctionDef))
    init = next((each.args for each in inits if each.name == "__init__"), None)
    return _Class(tuple(ast.unparse(base).rpartition(".")[2] for base in node.bases), init)


def _transform(name: str, classes: Mapping[str, _Class]) -> Transform | None:
    line = list(_ancestry(name, classes))
    kind = next((kind for base, kind in _BASES.items() if base in line), None)
    init = next((classes[each].init for each in line if classes[each].init), None)
    if kind is None or init is None:
        return None
    given = [argument.arg for argument in (*init.args, *init.kwonlyargs) if argument.arg != "self"]
    defaults = _defaults(init)
    needed = tuple(argument for argument in given if argument not in defaults)
    return Transform(kind, tuple(given), needed, defaults.get("fill_mask") in ("0", "0.0"))


def _ancestry(name: str, classes: Mapping[str, _Class]) -> Iterator[str]:
    """Yield a class and those that it inherits from, as far as albumentations defines them."""
    if name in classes:
        yield name
        for base in classes[name].bases:
            yield from _ancestry(base, classes)


def _defaults(init: ast.arguments) -> dict[str, str]:
    """Return the source of each argument's default."""
    positional = zip(reversed(init.args), reversed(init.defaults), strict=False)
    named = zip(init.kwonlyargs, init.kw_defaults, strict=True)
    pairs = [*positional, *((argument, default) for argument, default in named if default)]
    return {argument.arg: ast.unparse(default) for argument, default in pairs}
