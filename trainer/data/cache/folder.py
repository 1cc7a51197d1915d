"""The directory of the decoded cache: who builds, how much it may hold, what goes first.

An entry is a directory that is either whole or not there. While one is built it has a hidden name,
and its builder holds a lock, which the kernel takes back when a process ends in whatever way: what
lies under a hidden name without a lock was left by a killed builder, and belongs to nobody.

The directory is whatever a user names, and may hold other things: what is not called as an entry
is neither counted nor removed.
"""

import fcntl
import os
import shutil
import time
import uuid
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from searchctl.trainer.core.errors import DataError
from searchctl.trainer.data.cache.name import is_entry_name

_BUILDING = ".building-"
_LOCK = ".lock-"
_REMOVED = ".searchctl-removed-"
_LOOK_AGAIN_S = 0.05


class CacheFolder:
    """A directory of entries that several processes use at once.

    Args:
        path: of the directory; made when needed.
        limit: bytes that its entries may hold.
    """

    def __init__(self, path: Path, limit: int) -> None:
        self.path = path
        self._limit = limit

    def touch(self, name: str) -> None:
        """Take note that an entry is used now: those not used for longest go first."""
        with suppress(OSError):  # another user's directory: good enough to read from
            os.utime(self.path / name)

    @contextmanager
    def building(self, name: str, waiting: Callable[[], None]) -> Iterator[Path]:
        """Hold an entry's lock; yield the hidden path to build it at.

        The path is free: what a killed builder had left there is removed. So is what is there at
        the end, unless `publish` has given it its name.

        Args:
            name: of the entry.
            waiting: called again and again while another builder has the lock.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        hidden = self.path / f"{_BUILDING}{name}"
        with _locked(self.path / f"{_LOCK}{name}", waiting):
            _remove(hidden)
            try:
                yield hidden
            finally:
                _remove(hidden)

    def publish(self, name: str) -> None:
        """Give an entry that was built its name; its lock must be held."""
        _sync(self.path / f"{_BUILDING}{name}")
        self._take_away(self.path / name)  # a damaged one
        (self.path / f"{_BUILDING}{name}").rename(self.path / name)
        _sync(self.path)

    def check_limit(self, needed: int, keep: Collection[str], fix: str) -> None:
        """Check that new entries, and those that must stay, fit into an otherwise empty directory.

        Args:
            needed: bytes of the new entries.
            keep: entries that must stay, as far as they are there.
            fix: a setting that would make the new ones smaller, and how.

        Raises:
            DataError: they do not.
        """
        needed += sum(_bytes(self.path / name) for name in keep)
        if needed > self._limit:
            raise DataError(
                f"the decoded images take {_gigabytes(needed)}, and {self.path} may hold "
                f"{_gigabytes(self._limit)}: set data.cache_limit_gb higher, or {fix}"
            )

    @contextmanager
    def room(self, needed: int, keep: Collection[str], fix: str) -> Iterator[None]:
        """Make room for new entries, whose files must have their final size when the block ends.

        Entries not used for longest are removed; processes that have them open keep them.

        Args:
            needed: bytes of the new entries.
            keep: entries that must stay.
            fix: a setting that would make the new ones smaller, and how.

        Raises:
            DataError: the disk has no room for them, however much is removed.
        """
        with _locked(self.path / f"{_LOCK}room", lambda: None):
            self._clear_away(keep)
            for entry in self._by_last_use(keep):
                if self._used() + needed <= self._limit and self._free() >= needed:
                    break
                self._take_away_unless_locked(entry.name, entry)
            if self._free() < needed:
                raise DataError(
                    f"the decoded images take {_gigabytes(needed)}, and the disk of {self.path} "
                    f"has {_gigabytes(self._free())} left: set data.cache_dir to a directory on "
                    f"another one, or {fix}"
                )
            yield

    def _by_last_use(self, keep: Collection[str]) -> list[Path]:
        entries = []
        for path in self.path.iterdir():
            if is_entry_name(path.name) and path.name not in keep:
                with suppress(OSError):  # removed this moment
                    entries.append((path.stat().st_mtime_ns, path))
        return [path for _, path in sorted(entries)]

    def _clear_away(self, keep: Collection[str]) -> None:
        """Remove what killed builders, and killed removers, have left."""
        for path in self.path.glob(f"{_REMOVED}*"):
            _remove(path)
        for path in self.path.glob(f"{_BUILDING}*"):
            name = path.name.removeprefix(_BUILDING)
            if is_entry_name(name) and name not in keep:
                self._take_away_unless_locked(name, path)

    def _take_away_unless_locked(self, name: str, path: Path) -> None:
        lock = _try_lock(self.path / f"{_LOCK}{name}")
        if lock is not None:
            self._take_away(path)
            _unlock(self.path / f"{_LOCK}{name}", lock)

    def _take_away(self, path: Path) -> None:
        """Remove an entry as a whole: nobody finds a part of it under its name."""
        gone = self.path / f"{_REMOVED}{uuid.uuid4().hex}"
        with suppress(FileNotFoundError):
            path.rename(gone)
            _remove(gone)

    def _used(self) -> int:
        paths = self.path.iterdir()
        return sum(_bytes(p) for p in paths if is_entry_name(p.name.removeprefix(_BUILDING)))

    def _free(self) -> int:
        return shutil.disk_usage(self.path).free


@contextmanager
def _locked(path: Path, waiting: Callable[[], None]) -> Iterator[None]:
    while (lock := _try_lock(path)) is None:
        waiting()
        time.sleep(_LOOK_AGAIN_S)
    try:
        yield
    finally:
        _unlock(path, lock)


def _try_lock(path: Path) -> int | None:
    """Lock a file and return its descriptor; None if another thread or process has it."""
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR, 0o666)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # who had it before has removed the file: then this lock keeps nobody out
        if path.stat().st_ino == os.fstat(descriptor).st_ino:
            return descriptor
    except (BlockingIOError, FileNotFoundError):
        pass
    except BaseException:
        os.close(descriptor)
        raise
    os.close(descriptor)
    return None


def _unlock(path: Path, descriptor: int) -> None:
    path.unlink(missing_ok=True)
    os.close(descriptor)


def _remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)


def _bytes(path: Path) -> int:
    """Return the bytes of the files in a directory; 0 if it is none, or gone."""
    with suppress(OSError):
        return sum(file.stat().st_size for file in path.iterdir())
    return 0


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _gigabytes(count: int) -> str:
    return f"{count / 1e9:.3g} GB"
