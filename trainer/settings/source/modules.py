"""Finds the source of a module without importing it, and lists what it defines."""

import ast
import difflib
import importlib
import sys
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path


class SourceError(Exception):
    """What an import path names is not there, or its source has a syntax error; says the fix."""


@dataclass(frozen=True)
class Module:
    """A module that is not imported."""

    name: str
    """Its dotted name."""
    folder: Path | None
    """Searched before the places of installed packages."""
    file: Path | None
    """Its source; None if it has none that can be read."""
    tree: ast.Module | None
    locations: tuple[str, ...] | None
    """Where its submodules are; None if it is no package."""

    @cached_property
    def names(self) -> dict[str, ast.stmt]:
        """The statement that defines each name of the module, the last one of several."""
        return {name: node for node in self._statements for name in _defined_by(node)}

    @property
    def is_dynamic(self) -> bool:
        """Whether it may have names that its source does not show."""
        return self.tree is None or "__getattr__" in self.names

    @cached_property
    def _statements(self) -> list[ast.stmt]:
        return list(_top_level(self.tree.body)) if self.tree else []

    def imported_whole(self) -> Iterator["Module"]:
        """Yield the modules of which it imports all names."""
        for node in self._statements:
            if isinstance(node, ast.ImportFrom) and node.names[0].name == "*":
                try:
                    yield self.other(node)
                except SourceError:
                    continue

    def other(self, node: ast.ImportFrom) -> "Module":
        """Return the module that a `from` statement in this one names.

        Raises:
            SourceError: it cannot be found.
        """
        if not node.level:
            return find_module(node.module or "", self.folder)
        package = self.name if self.locations is not None else self.name.rpartition(".")[0]
        for _ in range(node.level - 1):
            package = package.rpartition(".")[0]
        return find_module(".".join(filter(None, [package, node.module])), self.folder)

    def has_submodule(self, name: str) -> bool:
        """Return whether it is a package with such a module."""
        return PathFinder.find_spec(f"{self.name}.{name}", self._path) is not None

    def submodule(self, name: str) -> "Module":
        """Return a module of this package.

        Raises:
            SourceError: its source has a syntax error.
        """
        return find_module(f"{self.name}.{name}", self.folder)

    @property
    def _path(self) -> list[str]:
        return list(self.locations or ())

    def missing(self, name: str) -> str:
        """Return the message that it does not define a name."""
        known = [each for each in self.names if not each.startswith("_")]
        own = [each for each in known if not isinstance(self.names[each], _IMPORTS)]
        close = difflib.get_close_matches(name, known, n=1)
        if close:
            hint = f"did you mean '{close[0]}'?"
        else:
            hint = f"it defines {', '.join(own)}" if own else "it defines nothing"
        return f"{self.file or self.name} has no '{name}': {hint}"


_IMPORTS = (ast.Import, ast.ImportFrom)


def find_module(name: str, folder: Path | None) -> Module:
    """Return a module by its dotted name, from the folder or from where packages are installed.

    Raises:
        SourceError: there is no such module, or its source has a syntax error.
    """
    importlib.invalidate_caches()  # a file may have been written a moment ago
    searched = [*([str(folder)] if folder else []), *sys.path]
    parts, path = name.split("."), searched
    spec: ModuleSpec | None = None
    for count in range(1, len(parts) + 1):
        dotted = ".".join(parts[:count])
        spec = PathFinder.find_spec(dotted, path) or (_elsewhere(dotted) if count == 1 else None)
        if spec is None:
            raise SourceError(_no_module(dotted, path))
        path = list(spec.submodule_search_locations or ())
    locations = spec.submodule_search_locations if spec else None
    file = _source(spec)
    tree = _parsed(file) if file else None
    return Module(name, folder, file, tree, tuple(locations) if locations is not None else None)


def _elsewhere(name: str) -> ModuleSpec | None:
    """Return a module that no folder has: a builtin, or one of an editable installation."""
    for finder in sys.meta_path:
        find = getattr(finder, "find_spec", None)
        if find and finder is not PathFinder and (spec := find(name, None)) is not None:
            found: ModuleSpec = spec
            return found
    return None


def _no_module(name: str, path: list[str]) -> str:
    top, _, last = name.rpartition(".")
    if top:
        return f"there is no module '{last}' in {', '.join(path) or f'{top}, which is no package'}"
    near = {file.stem for place in path[:1] for file in Path(place).glob("*.py")}
    close = difflib.get_close_matches(name, near, n=1)
    hint = f"did you mean '{close[0]}'? " if close else ""
    standard = sysconfig.get_path("stdlib")
    places = [place or "." for place in path if not place.startswith(standard)]
    listed = ", ".join(each for each in places if Path(each).is_dir())
    return f"there is no module '{name}': {hint}searched {listed}"


def _source(spec: ModuleSpec | None) -> Path | None:
    origin = spec.origin if spec else None
    return Path(origin) if origin and origin.endswith(".py") else None


def _parsed(file: Path) -> ast.Module:
    try:
        return ast.parse(file.read_bytes(), str(file))
    except SyntaxError as error:
        text = f": {error.text.strip()}" if error.text else ""
        raise SourceError(f"{file}:{error.lineno}: {error.msg}{text}") from None
    except (OSError, ValueError) as error:
        raise SourceError(f"{file} cannot be read: {error}") from None


def _top_level(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield the statements that run on import, those below an `if` or `try` too."""
    for node in body:
        yield node
        for part in ("body", "orelse", "finalbody"):
            if isinstance(node, ast.If | ast.Try | ast.With):
                yield from _top_level(getattr(node, part, []))
        for handler in getattr(node, "handlers", []):
            yield from _top_level(handler.body)


def _defined_by(node: ast.stmt) -> list[str]:
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            return [node.name]
        case ast.ImportFrom():
            return [alias.asname or alias.name for alias in node.names if alias.name != "*"]
        case ast.Import():
            return [alias.asname or alias.name.partition(".")[0] for alias in node.names]
        case ast.Assign():
            targets = node.targets
        case ast.AnnAssign() if node.value is not None:
            targets = [node.target]
        case _:
            return []
    nodes = [node for target in targets for node in ast.walk(target)]
    names = [node for node in nodes if isinstance(node, ast.Name)]
    return [name.id for name in names if isinstance(name.ctx, ast.Store)]
