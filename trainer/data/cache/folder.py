"""The directory of the decoded cache: locks of builders, size limit, and eviction.

An entry is a directory that is either complete or absent. While it is built, it has a hidden name
and its builder holds a lock. The kernel releases the lock when the process ends for any reason. So
a hidden directory without a lock was left by a killed builder, and can be removed.

The directory is chosen by the user and may contain other files. Only names of entries are counted
or removed.
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
_POLL_INTERVAL_S = 0.05


class CacheFolder:
    """A directory of entries that several processes use at the same time.

    Args:
        path: the directory; it is created when needed.
        limit: largest total size of its entries in bytes.
    """

    def __init__(self, path: Path, limit: int) -> None:
        self.path = path
        self._limit = limit

    def touch(self, name: str) -> None:
        """Record the use of an entry; the least recently used entries are evicted first."""
        with suppress(OSError):  # another user's directory may be read-only
            os.utime(self.path / name)

    @contextmanager
    def building(self, name: str, on_wait: Callable[[], None]) -> Iterator[Path]:
        """Hold an entry's lock, and yield the hidden path at which to build the entry.

        Files of a killed builder at this path are removed before. Files that `publish` has not
        renamed are removed afterwards.

        Args:
            name: name of the entry.
            on_wait: called repeatedly while another builder holds the lock.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        hidden = self.path / f"{_BUILDING}{name}"
        with _locked(self.path / f"{_LOCK}{name}", on_wait):
            _remove(hidden)
            try:
                yield hidden
            finally:
                _remove(hidden)

    def publish(self, name: str) -> None:
        """Rename a built entry to its final name; the caller must hold its lock."""
        _sync(self.path / f"{_BUILDING}{name}")
        self._remove_atomically(self.path / name)  # a damaged one
        (self.path / f"{_BUILDING}{name}").rename(self.path / name)
        _sync(self.path)

    def check_limit(self, needed: int, keep: Collection[str], fix: str) -> None:
        """Check that the new entries and those to keep fit into the limit.

        Args:
            needed: size of the new entries in bytes.
            keep: names of entries that must stay if they exist.
            fix: a setting that would make the new entries smaller, for the message.

        Raises:
            DataError: they do not fit.
        """
        needed += sum(_bytes(self.path / name) for name in keep)
        if needed > self._limit:
            raise DataError(
                f"the decoded images take {_gigabytes(needed)}, but the limit of {self.path} is "
                f"{_gigabytes(self._limit)}: set data.cache_limit_gb higher, or {fix}"
            )

    @contextmanager
    def reserve(self, needed: int, keep: Collection[str], fix: str) -> Iterator[None]:
        """Free space for new entries; their files must have their final size when the block ends.

        The least recently used entries are removed. Processes that have them open can still read
        them. A lock keeps two processes from counting the same free space.

        Args:
            needed: size of the new entries in bytes.
            keep: names of entries that must stay.
            fix: a setting that would make the new entries smaller, for the message.

        Raises:
            DataError: the disk has too little space, even without the other entries.
        """
        with _locked(self.path / f"{_LOCK}room", lambda: None):
            self._remove_leftovers(keep)
            for entry in self._by_last_use(keep):
                if self._used() + needed <= self._limit and self._free() >= needed:
                    break
                self._remove_unless_locked(entry.name, entry)
            if self._free() < needed:
                raise DataError(
                    f"the decoded images take {_gigabytes(needed)}, but the disk of {self.path} "
                    f"has {_gigabytes(self._free())} left: set data.cache_dir to a directory on "
                    f"another disk, or {fix}"
                )
            yield

    def _by_last_use(self, keep: Collection[str]) -> list[Path]:
        entries = []
        for path in self.path.iterdir():
            if is_entry_name(path.name) and path.name not in keep:
                with suppress(OSError):  # another process has just removed it
                    entries.append((path.stat().st_mtime_ns, path))
        return [path for _, path in sorted(entries)]

    def _remove_leftovers(self, keep: Collection[str]) -> None:
        """Remove leftovers of processes that were killed while they built or removed an entry."""
        for path in self.path.glob(f"{_REMOVED}*"):
            _remove(path)
        for path in self.path.glob(f"{_BUILDING}*"):
            name = path.name.removeprefix(_BUILDING)
            if is_entry_name(name) and name not in keep:
                self._remove_unless_locked(name, path)

    def _remove_unless_locked(self, name: str, path: Path) -> None:
        lock = _try_lock(self.path / f"{_LOCK}{name}")
        if lock is not None:
            self._remove_atomically(path)
            _unlock(self.path / f"{_LOCK}{name}", lock)

    def _remove_atomically(self, path: Path) -> None:
        """Remove an entry atomically: it is renamed first, so no process reads a part of it."""
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
def _locked(path: Path, on_wait: Callable[[], None]) -> Iterator[None]:
    while (lock := _try_lock(path)) is None:
        on_wait()
        time.sleep(_POLL_INTERVAL_S)
    try:
        yield
    finally:
        _unlock(path, lock)


def _try_lock(path: Path) -> int | None:
    """Lock a file and return its descriptor; None if another thread or process holds the lock."""
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR, 0o666)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # the previous owner may have removed the file: a lock on a removed file excludes no one
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
    """Return the total size of the files in a directory; 0 if there is no such directory."""
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
