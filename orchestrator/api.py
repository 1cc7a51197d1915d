"""The command's verbs from Python: launch a sweep, and ask for its best configurations."""

from orchestrator.export import Exported, export
from orchestrator.files.initial_files import InitialFiles
from orchestrator.launch import inline_executor, run
from orchestrator.places import database_url
from orchestrator.prepare import prepare, runs_directory
from orchestrator.storage import queries
from orchestrator.storage.database import open_database
from orchestrator.storage.rows import SweepRow
from orchestrator.sweep import Sweep
from orchestrator.views.ranking import rank_trials


def launch_sweep(sweep: Sweep, *, db: str | None = None, inline: bool = False) -> SweepRow:
    """Run a new sweep to its end, as `searchctl launch` does; return how it ended.

    Args:
        sweep: from `load_sweep`.
        db: URL of the database; by default $SEARCHCTL_DB_URL, the sweep's storage.url, or
            searchctl.db in the current directory.
        inline: run the jobs one by one in this process, without Ray.

    Raises:
        SearchctlError: the sweep cannot be launched, or ended without an answer.
        DataError: a file of the data set is missing or does not fit.
    """
    prepared = prepare(sweep, database_url(db, sweep.storage.database_url()))
    return run(prepared, executor=inline_executor() if inline else None)


def best(sweep: Sweep, n: int = 1, *, db: str | None = None) -> list[Exported]:
    """Return the n best configurations of a launched sweep, the best first.

    Raises:
        SweepNotFound: the database has no sweep of that name.
        SearchctlError: nothing is ranked yet.
    """
    engine = open_database(database_url(db, sweep.storage.database_url()))
    row = queries.find_sweep(engine, sweep.name)
    initial = InitialFiles.stored(runs_directory(sweep), row)
    return [export(sweep, ranked, initial) for ranked in rank_trials(engine, row, top=n)]
