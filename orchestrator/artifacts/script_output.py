"""What the scripts of a trial printed, from the files of its attempts."""

from collections.abc import Iterator

from sqlalchemy import Engine

from searchctl.orchestrator.artifacts.directory import runs_directory
from searchctl.orchestrator.artifacts.retention import OUTPUT
from searchctl.orchestrator.config.sweep import Sweep
from searchctl.orchestrator.core.errors import SearchctlError
from searchctl.orchestrator.halving.job_key import key_of
from searchctl.orchestrator.storage.reads import queries
from searchctl.orchestrator.storage.rows import SweepRow
from searchctl.trainer.core.atomic_files import read_file


def script_output(engine: Engine, row: SweepRow, trial: int) -> Iterator[tuple[str, str]]:
    """Yield a title and the output of each attempt of a trial, in their order.

    Raises:
        SearchctlError: no script trains the sweep's trials.
    """
    sweep = Sweep.from_json(row.spec)
    if sweep.script is None:
        raise SearchctlError(f"no script trains the trials of '{row.name}': leave --printed out")
    runs = runs_directory(sweep)
    for attempt in queries.attempts(engine, row, {trial}):
        key = key_of(attempt)
        path = runs / key.folder / attempt.token / OUTPUT
        try:
            printed = read_file(path).decode(errors="replace")
        except FileNotFoundError:
            printed = ""
        yield f"{key.place}, attempt {attempt.number}: {path}", printed
