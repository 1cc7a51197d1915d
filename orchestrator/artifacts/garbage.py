"""Garbage collection: removes files of a sweep that are no longer needed (see retention.py)."""

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from sqlalchemy import Engine
from upath import UPath

from searchctl.orchestrator.artifacts.initial_files import FOLDER
from searchctl.orchestrator.artifacts.retention import JobFile, Retention, RetentionReason
from searchctl.orchestrator.facts.cohorts import all_rungs
from searchctl.orchestrator.halving.job_key import ALL, JobKey
from searchctl.orchestrator.own_code.stored import FOLDER as CODE_FOLDER
from searchctl.orchestrator.storage.reads import queries
from searchctl.orchestrator.storage.rows import SweepRow
from searchctl.orchestrator.storage.sqlite.durable import make_durable

_MANY = 500
"""From this number of trials on, one query for all rows replaces a query by trial."""


@dataclass
class Tally:
    """A number of files and their total size."""

    files: int = 0
    bytes: int = 0

    def add(self, size: int) -> None:
        """Count a file of `size` bytes."""
        self.files += 1
        self.bytes += size


@dataclass(frozen=True)
class Collected:
    """Removed files, and kept files by the reason for keeping them."""

    removed: dict[RetentionReason, Tally] = field(default_factory=dict)
    left: dict[RetentionReason, Tally] = field(default_factory=dict)
    strays: Counter[str] = field(default_factory=Counter)
    """Number of files in each directory of an attempt that is not in the database."""

    @property
    def files(self) -> int:
        """Number of removed files."""
        return sum(tally.files for tally in self.removed.values())

    @property
    def bytes(self) -> int:
        """Total size of the removed files."""
        return sum(tally.bytes for tally in self.removed.values())


@dataclass(frozen=True)
class _Listing:
    """Files and directories below the sweep's directory, as relative paths."""

    files: dict[str, int] = field(default_factory=dict)
    """Size in bytes by path."""
    folders: list[str] = field(default_factory=list)


def collect(
    engine: Engine,
    row: SweepRow,
    runs: UPath,
    jobs: Iterable[JobKey] | None = None,
    *,
    strays: bool = False,
    dry_run: bool = False,
) -> Collected:
    """Remove the files of a sweep that are no longer needed, not even by a resume.

    This is safe at any time, also while a driver runs. A file that vanishes meanwhile is no error.

    Args:
        engine: the sweep's database.
        row: the sweep.
        runs: directory of the sweep's files.
        jobs: restricts the collection to the files of these jobs; None means all jobs.
        strays: also remove the files of attempts that are not in the database.
        dry_run: remove nothing, but return what would be removed.

    Raises:
        OSError: the files cannot be listed, or one cannot be removed.
    """
    selected = None if jobs is None else set(jobs)
    # Files before rows: an attempt is stored before its first file is written. So the rows, read
    # later, contain the attempts of all listed files.
    listing = _list(runs, selected)
    retention = _retention(engine, row, selected)
    if not dry_run:
        make_durable(engine)  # a power cut must not take back the rows that make files dispensable
    removable = {RetentionReason.DONE, RetentionReason.STRAY} if strays else {RetentionReason.DONE}
    collected = Collected()
    for path, size in listing.files.items():
        if file := JobFile.parse(path):
            reason = retention.reason(file)
            if reason is RetentionReason.STRAY:
                collected.strays[file.folder] += 1
            if reason not in removable:
                collected.left.setdefault(reason, Tally()).add(size)
            elif dry_run or _remove(runs, path):
                collected.removed.setdefault(reason, Tally()).add(size)
        elif path.startswith(f"{FOLDER}/"):
            collected.left.setdefault(RetentionReason.INITIAL, Tally()).add(size)
        elif path.startswith(f"{CODE_FOLDER}/"):
            collected.left.setdefault(RetentionReason.CODE, Tally()).add(size)
    if not dry_run:
        unused = (path for path in listing.folders if _is_unused(path, retention, removable))
        _remove_empty(runs, unused)
    return collected


def used_bytes(runs: UPath) -> int:
    """Return the total size of all files below a directory; 0 if it does not exist.

    Raises:
        OSError: the files cannot be listed.
    """
    return sum(_list(runs, None).files.values())


def _list(runs: UPath, jobs: set[JobKey] | None) -> _Listing:
    """List all files and directories, or those of some jobs."""
    roots = [runs] if jobs is None else [runs / job.folder for job in sorted(jobs)]
    listing = _Listing()
    for root in roots:
        with _os_errors():
            runs.fs.invalidate_cache()  # fsspec caches the listings of object stores
            found = runs.fs.find(root.path, withdirs=True, detail=True)
        for path, info in found.items():
            relative = str(PurePosixPath(path).relative_to(runs.path))
            if info["type"] == "directory":
                listing.folders.append(relative)
            else:
                listing.files[relative] = info["size"] or 0
    return listing


def _retention(engine: Engine, row: SweepRow, jobs: set[JobKey] | None) -> Retention:
    trials = {job.trial for job in jobs or ()}
    some = trials if jobs is not None and len(trials) < _MANY else None
    return Retention(
        queries.jobs(engine, row, some, ALL),
        queries.attempts(engine, row, some),
        queries.decisions(engine, row, some),
        ladder=all_rungs(queries.cohorts(engine, row)),
        warm=row.spec["halving"]["continue"] == "warm",
    )


def _remove(runs: UPath, path: str) -> bool:
    """Remove a file; return False if it has vanished."""
    try:
        with _os_errors():
            runs.fs.rm_file(f"{runs.path}/{path}")
    except FileNotFoundError:
        return False
    return True


def _is_unused(folder: str, retention: Retention, removable: set[RetentionReason]) -> bool:
    """Return whether no worker will write to this directory again."""
    if file := JobFile.parse(f"{folder}/file"):
        return retention.reason(file) in removable
    return retention.is_over(folder)


def _remove_empty(runs: UPath, folders: Iterable[str]) -> None:
    if runs.protocol in ("", "file", "local"):  # object stores have no directories
        for folder in sorted(folders, key=len, reverse=True):  # children before their parents
            with suppress(OSError):  # the directory is not empty
                runs.fs.rmdir(f"{runs.path}/{folder}")


@contextmanager
def _os_errors() -> Iterator[None]:
    """Convert errors of an object store's library to OSError."""
    try:
        yield
    except OSError:
        raise
    except Exception as error:
        raise OSError(f"{type(error).__name__}: {error}") from error
