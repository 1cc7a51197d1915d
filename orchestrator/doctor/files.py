"""The directory of a sweep's files, and its data set."""

import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

from upath import UPath

from searchctl.orchestrator.core.errors import SearchctlError
from searchctl.orchestrator.doctor.finding import About, Finding, error, ok, warning
from searchctl.trainer.core.atomic_files import read_file, remove_file, write_atomically
from searchctl.trainer.core.errors import TrainerError

LEAST_FREE = 10 * 10**9
"""Bytes; checkpoints of a few large networks fill less."""
_MEND = "set storage.runs to a directory, or a store such as s3://bucket/runs, that can be written"


def check_runs(about: About) -> Iterator[Finding]:
    """Can files be written where checkpoints go, read again, and removed?"""
    if about.driven_elsewhere:
        return
    runs = UPath(about.sweep.storage.runs if about.sweep else "runs").absolute()
    local = runs.protocol in ("", "file", "local")
    made = [each for each in (runs, *runs.parents) if local and not each.exists()]
    marker, content = runs / f".doctor-{secrets.token_hex(4)}", secrets.token_bytes(64)
    try:
        write_atomically(marker, content)
        same = read_file(marker) == content
        remove_file(marker)
    except (OSError, ImportError) as failure:
        reason = getattr(failure, "strerror", None) or failure
        yield error("runs", f"{runs} cannot be written and read ({reason})", _MEND)
        return
    finally:
        for each in made:
            if each.exists():
                each.rmdir()
    if not same:
        yield error("runs", f"{runs} does not give back what was written", _MEND)
        return
    yield ok("runs", f"{runs} is written, read and removed from")
    if local:
        yield _free(Path(runs.path))


def _free(place: Path) -> Finding:
    there = next(each for each in (place, *place.parents) if each.exists())
    free = shutil.disk_usage(there).free
    found = f"{free / 1e9:.1f} GB free at {there}"
    if free >= LEAST_FREE:
        return ok("disk", found)
    fix = "make room (`searchctl gc` removes what is not needed), or bound it: budget.disk_gb"
    return warning("disk", found, fix)


def check_data(about: About) -> Iterator[Finding]:
    """Is the sweep's data set there, and can an image of each split be read?"""
    if about.sweep is None or about.driven_elsewhere:
        return
    from searchctl.orchestrator.config.dataset import checked_dataset  # imports torch

    try:
        dataset = checked_dataset(about.sweep)
    except (SearchctlError, TrainerError) as failure:
        words, _, fix = str(failure).partition(": ")
        yield error("data", words, fix or "set data.root, or name the directory with --data-root")
        return
    counts = ", ".join(f"{len(dataset.names(split))} {split}" for split in ("train", "val"))
    yield ok("data", f"{about.sweep.data.dataset}: {counts}, {len(dataset.class_names)} classes")
