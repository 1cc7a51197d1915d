"""Deletes and renames a sweep: its files, its Optuna study and its rows, in this order.

The rows are last, so that what a crash interrupts can be repeated under the old name.
"""

import shutil
from pathlib import Path

from sqlalchemy import Engine
from upath import UPath

from searchctl.orchestrator.artifacts.directory import runs_directory, stored_directory
from searchctl.orchestrator.config.sweep import Sweep
from searchctl.orchestrator.core.errors import SearchctlError, SweepExists
from searchctl.orchestrator.driver.lease import Lease
from searchctl.orchestrator.search.studies import delete_study, rename_study
from searchctl.orchestrator.storage.reads.queries import sweep_named
from searchctl.orchestrator.storage.rows import SweepRow
from searchctl.orchestrator.storage.writes.whole_sweeps import delete_rows, rename_rows


def delete_sweep(engine: Engine, url: str, row: SweepRow) -> None:
    """Delete a sweep with its files; its name is free afterwards.

    Raises:
        SweepBusy: a driver is running.
        SearchctlError: its files cannot be removed.
    """
    with Lease(engine, row.id):
        folder = stored_directory(row)
        try:
            _remove(folder)
        except OSError as error:
            raise SearchctlError(f"cannot remove {folder}: {error}; nothing else was") from error
        delete_study(url, row.name)
        delete_rows(engine, row)


def rename_sweep(engine: Engine, url: str, row: SweepRow, name: str) -> None:
    """Give a sweep another name, and its directory too.

    Raises:
        SweepBusy: a driver is running.
        SweepExists: another sweep has the name.
        SearchctlError: the name is invalid, or its files cannot be moved.
    """
    sweep = Sweep.from_json({**row.spec, "name": name})  # the name is checked
    if sweep_named(engine, name) is not None:
        raise SweepExists(f"this database already has a sweep '{name}': choose another name")
    with Lease(engine, row.id):
        before, after = stored_directory(row), runs_directory(sweep)
        _move(before, after)
        rename_study(url, row.name, name)
        rename_rows(engine, row, name, str(before), str(after))


def _remove(folder: UPath) -> None:
    if not folder.exists():
        return
    if isinstance(folder, Path):
        shutil.rmtree(folder)
    else:
        folder.fs.rm(folder.path, recursive=True)


def _move(before: UPath, after: UPath) -> None:
    """Move a directory; one that a crashed call has moved already is left where it is."""
    if not before.exists():
        return
    if after.exists():
        raise SearchctlError(f"{after} exists: move it away, or choose another name")
    try:
        if isinstance(before, Path):
            before.rename(after)
        else:
            before.fs.mv(before.path, after.path, recursive=True)
    except OSError as error:
        raise SearchctlError(f"cannot move {before} to {after}: {error}") from error
