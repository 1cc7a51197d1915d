"""Checks the directory of a sweep's files, and its data set."""

import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

from upath import UPath

from searchctl.orchestrator.core.errors import SearchctlError
from searchctl.orchestrator.doctor.finding import About, Finding, error, ok, warning
from searchctl.trainer.core.atomic_files import read_file, remove_file, write_atomically
from searchctl.trainer.core.errors import DataError, TrainerError

LEAST_FREE = 10 * 10**9
"""Minimum free bytes: more than the checkpoints of a few large networks."""
_FIX = "set storage.runs to a writable directory, or a store such as s3://bucket/runs"
_DATA_FIX = "`searchctl data check FILE` shows the whole data set"
_ROOT_FIX = "set data.root, or name the directory with --data-root"


def check_runs(about: About) -> Iterator[Finding]:
    """Check that files can be written, read and removed in the directory of checkpoints."""
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
        yield error("runs", f"{runs} cannot be written and read ({reason})", _FIX)
        return
    finally:
        for each in made:
            if each.exists():
                each.rmdir()
    if not same:
        yield error("runs", f"{runs} returns other bytes than were written", _FIX)
        return
    yield ok("runs", f"files in {runs} can be written, read and removed")
    if local:
        yield _free(Path(runs.path))


def _free(place: Path) -> Finding:
    there = next(each for each in (place, *place.parents) if each.exists())
    free = shutil.disk_usage(there).free
    found = f"{free / 1e9:.1f} GB free at {there}"
    if free >= LEAST_FREE:
        return ok("disk", found)
    fix = "free space (`searchctl gc` removes unneeded files), or set a limit: budget.disk_gb"
    return warning("disk", found, fix)


def check_data(about: About) -> Iterator[Finding]:
    """Check that the data set exists, and run the checks of `searchctl data check`."""
    if about.sweep is None or about.driven_elsewhere:
        return
    from searchctl.orchestrator.config.dataset import checked_dataset  # imports torch
    from searchctl.orchestrator.own_code.sweep_code import launched_code
    from searchctl.trainer.data.checks.checked import checked_data

    try:
        if about.source is not None:
            launched_code(about.sweep, about.source.absolute()).use()
        dataset = checked_dataset(about.sweep)
    except DataError as failure:
        yield from (error("data", problem, _DATA_FIX) for problem in failure.messages)
        return
    except (SearchctlError, TrainerError) as failure:
        yield error("data", str(failure), _ROOT_FIX)
        return
    report = checked_data(about.sweep.data)
    yield from (error("data", problem, _DATA_FIX) for problem in report.problems)
    if not report.problems:
        counts = ", ".join(f"{len(dataset.names(split))} {split}" for split in ("train", "val"))
        name, classes = about.sweep.data.dataset, len(dataset.class_names)
        yield ok("data", f"{name}: {counts}, {classes} classes")
    yield from (warning("data", each, _DATA_FIX) for each in report.warnings)
