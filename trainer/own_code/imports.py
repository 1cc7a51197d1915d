"""Lets this process import a sweep's own code, and no other version of it.

A process has one list of import paths and one table of modules, so it uses the code of one sweep at
a time. A change to the code of another sweep forgets all modules of the last one. Two sweeps that
run at the same time need a process each.
"""

import importlib
import os
import shutil
import stat
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from searchctl.trainer.core.errors import OWN_PACKAGE
from searchctl.trainer.own_code.files import OwnCode, code_hash, hashes_of

_lock = threading.Lock()
_used: dict[str, Path] = {}
"""Hash of the code that this process imports -> the directory of its files; empty without one."""
_hidden: list[tuple[int, str]] = []
"""Import paths that are left out meanwhile, with their places."""
_forgetting: list[Callable[[], None]] = []
"""Called at each change of the code: they forget what the last code has made."""


def use_code(code: OwnCode | None) -> None:
    """Import the user's modules from these files from now on; None: from where Python finds them.

    Raises:
        CodeError: a file is missing or differs from the launch.
        OSError: the files cannot be read, or not be written to this machine's temporary directory.
    """
    if code is None:
        _switch(None, dict, "")
    else:
        _switch(code.hash, code.contents, code.origin)


def use_contents(contents: Mapping[str, bytes], origin: str) -> None:
    """Import the user's modules from files of these contents from now on.

    Args:
        contents: content of each file by its relative name; none at all: as `use_code(None)`.
        origin: directory that they were taken from.
    """
    wanted = code_hash(hashes_of(contents)) if contents else None
    _switch(wanted, lambda: contents, origin)


def forget_with_code(forget: Callable[[], None]) -> Callable[[], None]:
    """Call a function whenever this process changes to another code; a decorator.

    It forgets objects that the last code has made and that are found again by settings alone, which
    may be equal in two sweeps.
    """
    _forgetting.append(forget)
    return forget


def not_travelled(error: BaseException) -> str | None:
    """Return the fix if own code lacks a file that did not travel with it; None otherwise."""
    fix = "what imports do not show travels if `code:` names it"
    if isinstance(error, FileNotFoundError) and error.filename is not None:
        for folder in _used.values():
            if Path(os.fsdecode(error.filename)).is_relative_to(folder):
                name = Path(os.fsdecode(error.filename)).relative_to(folder).as_posix()
                return f"{name} does not travel with the code: {fix}, code: [{name}]"
    if isinstance(error, ModuleNotFoundError) and _used:
        return f"{error.name} is neither installed nor travels with the code: {fix}"
    return None


@contextmanager
def forgotten_afterwards() -> Iterator[None]:
    """Import no sweep's own code any more after the block."""
    try:
        yield
    finally:
        use_code(None)


def _switch(wanted: str | None, contents: Callable[[], Mapping[str, bytes]], origin: str) -> None:
    with _lock:
        if wanted in _used or (wanted is None and not _used):
            return
        for folder in _used.values():
            _forget(folder)
        _used.clear()
        for forget in _forgetting:
            forget()
        while _hidden:
            sys.path.insert(*_hidden.pop())
        if wanted is None:
            return
        files = contents()
        folder = _written(wanted, files)
        # a process that was started by another one has its import paths
        sys.path[:] = [path for path in sys.path if Path(path).parent != folder.parent]
        _forget_namesakes(folder, files)
        _hide(origin)
        sys.path.insert(0, str(folder))
        importlib.invalidate_caches()
        _used[wanted] = folder


def _forget(folder: Path) -> None:
    """Remove a directory of code from the import paths, and every module that came from it."""
    sys.path[:] = [path for path in sys.path if path != str(folder)]
    for name in [name for name, module in sys.modules.items() if _is_below(module, folder)]:
        del sys.modules[name]


def _forget_namesakes(folder: Path, files: Mapping[str, bytes]) -> None:
    """Forget modules of the same names from elsewhere: the user's directory, another sweep."""
    tops = {Path(name).parts[0].removesuffix(".py") for name in files}
    for name in [name for name in sys.modules if name.partition(".")[0] in tops]:
        if not _is_below(sys.modules[name], folder):
            del sys.modules[name]


def _hide(origin: str) -> None:
    """Leave a directory out of the import paths: its other files are not covered by the hash.

    The directory of searchctl itself stays.
    """
    if not origin or (Path(origin) / OWN_PACKAGE).exists():
        return
    for place, path in reversed([*enumerate(sys.path)]):
        if os.path.abspath(path) == origin:
            _hidden.append((place, path))
            del sys.path[place]


def _is_below(module: object, folder: Path) -> bool:
    file = getattr(module, "__file__", None)
    places = [file] if file else list(getattr(module, "__path__", None) or ())
    return any(Path(place).is_relative_to(folder) for place in places)


def _written(name: str, files: Mapping[str, bytes]) -> Path:
    """Write the files to this machine, once for all processes of the user; return the directory."""
    folder = _own_directory() / name[:32]
    if not _holds(folder, files):
        shutil.rmtree(folder, ignore_errors=True)
        new = Path(tempfile.mkdtemp(dir=folder.parent))
        for each, content in files.items():
            (new / each).parent.mkdir(parents=True, exist_ok=True)
            (new / each).write_bytes(content)
        try:
            new.rename(folder)
        except OSError:  # another process was first
            if not _holds(folder, files):
                return new
            shutil.rmtree(new)
    return folder


def _own_directory() -> Path:
    """Return a directory that only this account can write to."""
    folder = Path(tempfile.gettempdir()) / f"searchctl-code-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    about = folder.lstat()
    is_own = stat.S_ISDIR(about.st_mode) and about.st_uid == os.getuid()
    if is_own and stat.S_IMODE(about.st_mode) == 0o700:
        return folder
    return Path(tempfile.mkdtemp(prefix="searchctl-code-"))  # someone else made it


def _holds(folder: Path, files: Mapping[str, bytes]) -> bool:
    try:
        return all((folder / name).read_bytes() == content for name, content in files.items())
    except OSError:
        return False
