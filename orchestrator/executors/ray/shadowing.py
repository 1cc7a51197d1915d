"""A user's files that hide a library: Ray's workers import from the working directory first."""

import subprocess
import sys
from collections.abc import Iterator
from importlib.machinery import PathFinder
from pathlib import Path

from searchctl.orchestrator.core.errors import SearchctlError

_IMPORTED_LATE = """\
import sys
def names(): return {name.partition(".")[0] for name in sys.modules}
import ray
before = names()
import ray.tune, albumentations, searchctl.trainer.run.trial, searchctl.trainer.models.timm.library
print(*names() - before)
"""
"""Imports of a worker after Ray has put the working directory before its libraries."""


def refuse_shadowing_files() -> None:
    """Check that no file here hides a module that workers import.

    Raises:
        SearchctlError: one does: every job would end with its worker. Each file is named.
    """
    hiding = [path for path in _modules_here() if hides_a_library(path)]
    if not hiding:
        return
    late = _imported_late()
    if fatal := sorted(path for path in hiding if path.stem in late):
        raise SearchctlError("\n".join(map(_problem, fatal)))


def _modules_here() -> Iterator[Path]:
    """Return the Python files and packages of the directory that workers import from."""
    yield from Path.cwd().glob("*.py")
    yield from (each.parent for each in Path.cwd().glob("*/__init__.py"))


def hides_a_library(path: Path) -> bool:
    """Return whether a file or package has the name of a module that is found elsewhere too."""
    if path.stem in sys.stdlib_module_names:
        return True
    here = (path.parent.resolve(), Path.cwd())
    elsewhere = [each for each in sys.path if Path(each).resolve() not in here]
    spec = PathFinder.find_spec(path.stem, elsewhere)
    if spec is None or spec.origin is None:
        return False
    return not Path(spec.origin).is_relative_to(path)  # it may be installed from here


def _imported_late() -> set[str]:
    """Import it all in a Python that does not see this directory: seconds, but rarely."""
    command = [sys.executable, "-I", "-c", _IMPORTED_LATE]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return set(done.stdout.split())


def _problem(path: Path) -> str:
    return (
        f"{path} hides the module '{path.stem}' of a library from Ray's workers, which import from "
        "this directory first: rename it, launch from another directory, or add --inline"
    )
