"""Removes the files of a sweep that nothing needs any more; retention.py says which."""

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from sqlalchemy import Engine
from upath import UPath

from searchctl.orchestrator.artifacts.initial_files import FOLDER
from searchctl.orchestrator.artifacts.retention import Place, Retention, RetentionReason
from searchctl.orchestrator.halving.job_key import ALL, JobKey
from searchctl.orchestrator.storage.reads import queries
from searchctl.orchestrator.storage.rows import SweepRow

_MANY = 500
"""From so many trials on, the rows of all are read in place of theirs."""


@dataclass
class Tally:
    """Files and their size."""

    files: int = 0
    bytes: int = 0

    def add(self, size: int) -> None:
        """Count a file of so many bytes."""
        self.files += 1
        self.bytes += size


@dataclass(frozen=True)
class Collected:
    """What was removed, and what was left and why."""

    removed: dict[RetentionReason, Tally] = field(default_factory=dict)
    left: dict[RetentionReason, Tally] = field(default_factory=dict)
    strays: Counter[str] = field(default_factory=Counter)
    """Directories of attempts that the database does not know, and how many files each held."""

    @property
    def files(self) -> int:
        """How many files were removed."""
        return sum(tally.files for tally in self.removed.values())

    @property
    def bytes(self) -> int:
        """How large these were."""
        return sum(tally.bytes for tally in self.removed.values())


@dataclass(frozen=True)
class _Listing:
    """What lies below the sweep's directory, by paths relative to it."""

    files: dict[str, int] = field(default_factory=dict)
    """With their bytes."""
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
    """Remove the files of a sweep that neither a resume nor anybody else needs any more.

    May be called at any time, also beside a driver; a file that vanishes meanwhile is no error.

    Args:
        engine: the sweep's database.
        row: the sweep.
        runs: directory of the sweep's files.
        jobs: look at the files of these only; of all of them, if None.
        strays: remove the files of attempts that the database does not know, too.
        dry_run: remove nothing, but return what would be.

    Raises:
        OSError: the files cannot be listed, or one cannot be removed.
    """
    wanted = None if jobs is None else set(jobs)
    # Files before rows: an attempt is stored before its first file is written, so the rows that
    # are read now know the attempts of all files that are listed.
    listing = _list(runs, wanted)
    retention = _retention(engine, row, wanted)
    removable = {RetentionReason.DONE, RetentionReason.STRAY} if strays else {RetentionReason.DONE}
    collected = Collected()
    for path, size in listing.files.items():
        if place := Place.parse(path):
            fate = retention.fate(place)
            if fate is RetentionReason.STRAY:
                collected.strays[place.folder] += 1
            if fate not in removable:
                collected.left.setdefault(fate, Tally()).add(size)
            elif dry_run or _remove(runs, path):
                collected.removed.setdefault(fate, Tally()).add(size)
        elif path.startswith(f"{FOLDER}/"):
            collected.left.setdefault(RetentionReason.INITIAL, Tally()).add(size)
    if not dry_run:
        settled = (path for path in listing.folders if _settled(path, retention, removable))
        _remove_empty(runs, settled)
    return collected


def used_bytes(runs: UPath) -> int:
    """Return the size of all files below a directory; 0 if there is none.

    Raises:
        OSError: they cannot be listed.
    """
    return sum(_list(runs, None).files.values())


def _list(runs: UPath, jobs: set[JobKey] | None) -> _Listing:
    """List everything, or what lies in the directories of some jobs."""
    roots = [runs] if jobs is None else [runs / job.folder for job in sorted(jobs)]
    listing = _Listing()
    for root in roots:
        with _os_errors():
            runs.fs.invalidate_cache()  # object stores remember what they listed before
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
        ladder=row.ladder,
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


def _settled(folder: str, retention: Retention, removable: set[RetentionReason]) -> bool:
    """Will no worker write to a directory again, nor make one in it?"""
    if place := Place.parse(f"{folder}/file"):
        return retention.fate(place) in removable
    return retention.over(folder)


def _remove_empty(runs: UPath, folders: Iterable[str]) -> None:
    if runs.protocol in ("", "file", "local"):  # elsewhere a directory is only a part of names
        for folder in sorted(folders, key=len, reverse=True):
            with suppress(OSError):  # not empty
                runs.fs.rmdir(f"{runs.path}/{folder}")


@contextmanager
def _os_errors() -> Iterator[None]:
    """Raise the errors of an object store's library as OSError."""
    try:
        yield
    except OSError:
        raise
    except Exception as error:
        raise OSError(f"{type(error).__name__}: {error}") from error
