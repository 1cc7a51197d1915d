"""What a user asks to be looked at; a sweep file that is wrong hides nothing else."""

from collections.abc import Iterator
from pathlib import Path

from searchctl.orchestrator.config.locations import database_url
from searchctl.orchestrator.config.sweep import Sweep, load_sweep
from searchctl.orchestrator.core.errors import SearchctlError
from searchctl.orchestrator.doctor.examine import examine
from searchctl.orchestrator.doctor.finding import About, Finding, error


def examined(file: Path | None, db: str | None, address: str | None) -> Iterator[Finding]:
    """Look at what a sweep of this file would use, in this database and on this cluster.

    What is wrong with these is a finding too, and hides no other.
    """
    sweep: Sweep | None = None
    url: str | None = None
    try:
        sweep = load_sweep(file) if file else None
    except SearchctlError as failure:
        yield error("sweep file", str(failure), "`searchctl validate` says it line by line")
    try:
        url = database_url(db, sweep.storage.database_url() if sweep else None)
    except KeyError as failure:
        mend = f"export {failure.args[0]}=..., or name the database with --db"
        yield error("database", f"storage.url needs ${failure.args[0]}, which is not set", mend)
    except SearchctlError as failure:
        found, _, mend = str(failure).partition(": ")
        yield error("database", found, mend)
    where = address or (sweep.resources.address if sweep else None)
    yield from examine(About(url, None if where == "local" else where, sweep))
