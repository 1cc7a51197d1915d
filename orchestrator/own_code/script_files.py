"""The files that a user's script is made of: those that its command names, and what these import.

Read from the sources: nothing of the user is run.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

from searchctl.orchestrator.core.errors import SearchctlError
from searchctl.trainer.script.command import placeholders
from searchctl.trainer.script.settings import ScriptSettings

_PYTHON = ".py"


def script_files(folder: Path, script: ScriptSettings) -> list[str]:
    """Return the names of a script's files below a directory, relative to it.

    These are the arguments of the command that name files there, the module after `-m` or of the
    function, and all that these import from there. A script that runs in a directory of its own has
    none: it is not copied.

    Raises:
        SearchctlError: a Python file that the command names is missing.
    """
    if script.directory is not None:
        return []
    found: dict[Path, None] = {}
    pending = [*_named(folder, script)]
    while pending:
        path = pending.pop(0)
        if path not in found:
            found[path] = None
            pending += _imported(path, folder) if path.suffix == _PYTHON else ()
    return [path.relative_to(folder).as_posix() for path in found]


def _named(folder: Path, script: ScriptSettings) -> Iterator[Path]:
    if script.function is not None:
        yield from _module(script.function.partition(":")[0], [folder], folder)
    arguments = script.arguments
    for before, each in zip(["", *arguments], arguments, strict=False):
        if placeholders([each]):
            continue
        path = folder / each
        if before == "-m":
            yield from _module(each, [folder], folder)
        elif path.is_file() and path.is_relative_to(folder) and ".." not in path.parts:
            yield path
        elif path.suffix == _PYTHON and not path.is_file():
            raise SearchctlError(
                f"training.command names {each}, which is not in {folder}: put it beside the sweep "
                "file, or set training.directory to where it is"
            )


def _imported(path: Path, folder: Path) -> Iterator[Path]:
    """Yield the files below the directory that a module imports, at its top or in functions."""
    try:
        tree = ast.parse(path.read_bytes())
    except SyntaxError as error:
        raise SearchctlError(f"{path}:{error.lineno} is no Python: {error.msg}") from None
    places = [path.parent, folder]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for each in node.names:
                yield from _module(each.name, places, folder)
        elif isinstance(node, ast.ImportFrom):
            above = path.parents[node.level - 1] if node.level else None
            tops = [above] if above is not None else places
            base = node.module or ""
            for each in node.names:
                yield from _module(f"{base}.{each.name}".strip("."), tops, folder)


def _module(name: str, places: list[Path], folder: Path) -> Iterator[Path]:
    """Yield the files of a module, and of the packages that it is in, where they are found."""
    for place in places:
        path, found = place, []
        for part in name.split("."):
            path = path / part
            files = (path / "__init__.py", path.with_suffix(_PYTHON))
            found += [each for each in files if each.is_file() and each.is_relative_to(folder)]
        if found:
            yield from found
            return
