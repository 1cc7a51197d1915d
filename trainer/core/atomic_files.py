"""Atomic reads and writes of files, on a disk or in an object store (s3://, gs://, ...)."""

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from upath import UPath

from searchctl.trainer.core.machine.disk_space import NO_ROOM, disk_space


class NoRoom(OSError):
    """A file cannot be written: the disk is full, or a quota or limit is reached; names both."""


def write_atomically(path: UPath, content: bytes | memoryview) -> None:
    """Write a file so that a reader sees the old content or the new content, never a mixture.

    On a disk, the content goes to a temporary file in the same directory, is synced, and is then
    renamed. Missing directories are created. An object store shows an object only after the whole
    upload.

    Raises:
        NoRoom: the disk is full; an earlier file is unchanged.
        OSError: the disk or the store did not accept the file; an earlier file is unchanged.
    """
    local = _local(path)
    if local is not None:
        _write_local(local, content)
        return
    store = path.fs
    with _as_os_error(f"cannot write {path}"):
        store.pipe_file(path.path, bytes(content))


def read_file(path: UPath) -> bytes:
    """Return the content of a file.

    Raises:
        FileNotFoundError: there is no such file.
        OSError: the disk or the store does not respond.
    """
    local = _local(path)
    if local is not None:
        return local.read_bytes()
    store = path.fs
    # fsspec caches directory listings, and another process may have written since the last one
    store.invalidate_cache()
    with _as_os_error(f"cannot read {path}"):
        content: bytes = store.cat_file(path.path)
    return content


def file_exists(path: UPath) -> bool:
    """Return whether the file exists.

    Raises:
        OSError: the disk or the store does not respond.
    """
    local = _local(path)
    if local is not None:
        return local.is_file()
    store = path.fs
    store.invalidate_cache()
    with _as_os_error(f"cannot look for {path}"):
        there: bool = store.isfile(path.path)
    return there


def remove_file(path: UPath) -> None:
    """Remove a file if it exists, together with the temporary files of killed writers.

    Raises:
        OSError: the disk or the store refuses.
    """
    local = _local(path)
    if local is None:
        store = path.fs
        with _as_os_error(f"cannot remove {path}", unless_missing=True):
            store.rm_file(path.path)
        return
    for file in (local, *local.parent.glob(f".{local.name}.*")):
        file.unlink(missing_ok=True)


def _local(path: UPath) -> Path | None:
    if isinstance(path, Path):
        return path
    return Path(path.path) if path.protocol in ("file", "local") else None


def _write_local(path: Path, content: bytes | memoryview) -> None:
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise OSError(error.errno, error.strerror, str(path)) from error  # not the temporary
        needs = f"{path} needs {memoryview(content).nbytes / 1e6:.1f} MB"
        raise NoRoom(f"{error.strerror}: {needs}, and {disk_space(path)}") from error
    finally:
        temporary.unlink(missing_ok=True)
    _sync_directory(path.parent)


def _sync_directory(folder: Path) -> None:
    """Sync a directory, so that a rename in it survives a power failure."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _as_os_error(what: str, *, unless_missing: bool = False) -> Iterator[None]:
    """Convert any error of an object store to OSError.

    Each store's library has its own error classes, so callers could not catch them by type.
    """
    try:
        yield
    except FileNotFoundError:
        if not unless_missing:
            raise
    except Exception as error:
        raise OSError(f"{what}: {type(error).__name__}: {error}") from error
