"""The own code of a sweep: at its launch that of its directory, at a resume that of its launch."""

import json
from contextlib import suppress
from pathlib import Path

from upath import UPath

from searchctl.orchestrator.config.sweep import Sweep
from searchctl.orchestrator.core.cluster_address import (
    CODE_FOLDER,
    SWEEP_FILE,
    travelled_code,
)
from searchctl.orchestrator.own_code.collect import Collected, collect_code
from searchctl.orchestrator.own_code.names import own_names, own_networks
from searchctl.orchestrator.own_code.script_files import script_files
from searchctl.orchestrator.own_code.stored import (
    changed_files,
    recovered_code,
    stored_code,
)
from searchctl.orchestrator.storage.rows import SweepRow
from searchctl.trainer.core.errors import CodeError
from searchctl.trainer.own_code.files import OwnCode
from searchctl.trainer.own_code.imports import use_code


def launched_code(sweep: Sweep, source: Path | None) -> Collected:
    """Collect the own code of a sweep that is launched. This imports it, in a child process.

    A driver that was submitted to a cluster takes the files that came with it.

    Args:
        sweep: the sweep.
        source: its file; None: the current directory is that of its code.

    Raises:
        SearchctlError: a part cannot be imported, or a file cannot travel.
    """
    use_code(None)  # another version must not be taken for a library of the same name
    if (travelled := travelled_code()) is not None:
        files = (path for path in travelled.rglob("*") if path.is_file())
        contents = {path.relative_to(travelled).as_posix(): path.read_bytes() for path in files}
        return Collected(source.parent if source else Path.cwd(), contents)
    folder = source.parent if source else Path.cwd()
    own = script_files(folder.absolute(), sweep.script) if sweep.script else []
    return collect_code(folder, own_names(sweep), [*own, *sweep.code], own_networks(sweep))


def sent_files(sweep: Sweep, code: Collected | None = None) -> dict[str, bytes]:
    """Return what is sent with a driver that is submitted to a cluster: sweep file and own code."""
    files = {SWEEP_FILE: json.dumps(sweep.to_json(), indent=2).encode()}
    contents = code.contents if code else {}
    return {**files, **{f"{CODE_FOLDER}/{name}": content for name, content in contents.items()}}


def with_code(sweep: Sweep, collected: Collected) -> Sweep:
    """Return a sweep whose spec has the hashes of its own code; import that from now on."""
    collected.use()
    return sweep.model_copy(update={"code_files": collected.files})


def code_of_row(row: SweepRow, sweep: Sweep, runs: UPath) -> OwnCode | None:
    """Return the stored code of a sweep, unread; None if it has none."""
    if not sweep.code_files:
        return None
    origin = str(Path(row.source).parent) if row.source else ""
    return stored_code(sweep.code_files, runs, origin)


def changed_code(row: SweepRow, sweep: Sweep, runs: UPath) -> list[str]:
    """Return the files of a sweep's own code that are no longer what was launched."""
    code = code_of_row(row, sweep, runs)
    return changed_files(code, sweep.code) if code else []


def import_copies(row: SweepRow, sweep: Sweep, runs: UPath) -> None:
    """Import the stored code of a sweep from now on, if its copies are whole and can be read."""
    with suppress(CodeError, OSError):
        use_code(code_of_row(row, sweep, runs))


def resumed_code(row: SweepRow, sweep: Sweep, runs: UPath) -> Collected | None:
    """Return the code of the launch for a resume; import it. Nothing is written.

    Raises:
        SearchctlError: a copy is missing or damaged, and so is the original.
    """
    code = code_of_row(row, sweep, runs)
    if code is None:
        use_code(None)
        return None
    collected = recovered_code(code, sweep.code)
    collected.use()
    return collected


def accepted_code(sweep: Sweep, source: Path) -> tuple[Sweep, Collected | None]:
    """Return a sweep with its code as it is today, and that code; import it. Nothing is written.

    Raises:
        SearchctlError: as `launched_code`.
    """
    collected = launched_code(sweep, source)
    return with_code(sweep, collected), collected if collected.contents else None
