"""The verbs from Python: launch a sweep, open stored ones, get their best configurations."""

from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING

from sqlalchemy import Engine

from searchctl.orchestrator.artifacts.directory import runs_directory
from searchctl.orchestrator.artifacts.export import Exported, export
from searchctl.orchestrator.artifacts.initial_files import InitialFiles
from searchctl.orchestrator.config.locations import database_url
from searchctl.orchestrator.config.sweep import Sweep
from searchctl.orchestrator.facts.ranking import rank_trials
from searchctl.orchestrator.public.report import ReportPage
from searchctl.orchestrator.public.running import run_shown
from searchctl.orchestrator.run.additions.extend import Extension, extend
from searchctl.orchestrator.run.additions.retry import retry_failed as enter_again
from searchctl.orchestrator.run.preparation.prepare import prepare
from searchctl.orchestrator.run.resume import prepare_resume
from searchctl.orchestrator.storage.database import open_database
from searchctl.orchestrator.storage.reads import queries
from searchctl.orchestrator.storage.reads.tables import table_epochs
from searchctl.orchestrator.storage.rows import SweepRow
from searchctl.orchestrator.storage.writes.new_sweeps import request_state
from searchctl.orchestrator.tables.flat import flat_epochs, flat_trials
from searchctl.orchestrator.tables.frames import frame
from searchctl.orchestrator.tables.trials import trial_table

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class StoredSweep:
    """A launched sweep in its database."""

    name: str
    engine: Engine = field(repr=False)

    @property
    def state(self) -> str:
        """RUNNING, COMPLETE, STOPPED, FAIL, or INTERRUPTED if its driver is gone."""
        return self._row().shown_state

    def best(self, n: int = 1) -> list[Exported]:
        """Return the n best configurations, best first.

        Raises:
            SearchctlError: nothing is ranked yet.
        """
        row = self._row()
        sweep = Sweep.from_json(row.spec)
        initial = InitialFiles.stored(runs_directory(sweep), row)
        return [export(sweep, ranked, initial) for ranked in rank_trials(self.engine, row, top=n)]

    def trials(self) -> "pd.DataFrame":
        """Return all trials, the best first; a param is a column `params_NAME`.

        Raises:
            SearchctlError: pandas is not installed.
        """
        return frame(flat_trials(trial_table(self.engine, self._row())))

    def epochs(self) -> "pd.DataFrame":
        """Return the epochs of all jobs of all trials.

        Raises:
            SearchctlError: pandas is not installed.
        """
        return frame(flat_epochs(table_epochs(self.engine, self._row())))

    def report(self) -> ReportPage:
        """Return its report; a notebook shows it inline, and `.save(FILE)` writes it."""
        from searchctl.orchestrator.report.gathering import gather
        from searchctl.orchestrator.report.rendering import html

        return ReportPage(html(gather(self.engine, self._row())))

    def stop(self) -> None:
        """Request a stop of its driver, wherever it runs; `resume` continues it."""
        request_state(self.engine, self.name, "STOPPED")

    def resume(self, *, retry_failed: bool = False, inline: bool = False) -> None:
        """Continue the sweep, stopped or killed, to its end; finished jobs are not run again.

        Args:
            retry_failed: train failed trials again, as `searchctl resume --retry-failed`: on their
                rung while it is open, else as a further cohort.
            inline: run the jobs one by one in this process, without Ray.

        Raises:
            SearchctlError: the sweep cannot be resumed, or ended without a winner.
            SweepBusy: a driver runs it, so that failed trials cannot be retried.
        """
        if retry_failed:
            enter_again(self.engine, self._row())
        url = self.engine.url.render_as_string(hide_password=False)
        run_shown(prepare_resume(self.name, url, inline=inline), inline=inline)

    def extend(self, trials: int | None = None, *, cohorts: int = 1, inline: bool = False) -> None:
        """Add cohorts to the sweep, ended or not, and run it to its end, as `searchctl extend`.

        Args:
            trials: trials of each new cohort; as many as the last cohort has, if None.
            cohorts: number of new cohorts.
            inline: run the jobs one by one in this process, without Ray.

        Raises:
            SearchctlError: the sweep cannot be extended or resumed.
        """
        extend(self.engine, self._row(), Extension(trials, cohorts))
        self.resume(inline=inline)

    def _repr_html_(self) -> str:
        row = self._row()
        return f"<p>sweep <b>{escape(row.name)}</b>: {row.shown_state}, {row.trials} trials</p>"

    def _row(self) -> SweepRow:
        return queries.find_sweep(self.engine, self.name)


def launch(sweep: Sweep, *, db: str | None = None, inline: bool = False) -> StoredSweep:
    """Run a new sweep to its end, as `searchctl launch` does; return it.

    A sweep that was stopped is returned too: its `state` is STOPPED, and `resume()` continues it.

    Args:
        sweep: from `load_sweep`.
        db: URL of the database; by default $SEARCHCTL_DB_URL, the sweep's storage.url, or
            searchctl.db in the current directory.
        inline: run the jobs one by one in this process, without Ray.

    Raises:
        SearchctlError: the sweep cannot be launched, or ended without a winner.
        DataError: a file of the data set is missing or does not fit.
    """
    url = database_url(db, sweep.storage.database_url())
    run_shown(prepare(sweep, url, inline=inline), inline=inline)
    return open_sweep(sweep.name, db=url)


def open_sweep(name: str, *, db: str | None = None) -> StoredSweep:
    """Return a launched sweep by its name.

    Raises:
        SweepNotFound: the database has no sweep of that name.
    """
    engine = open_database(database_url(db))
    return StoredSweep(queries.find_sweep(engine, name).name, engine)


def list_sweeps(*, db: str | None = None) -> list[StoredSweep]:
    """Return the sweeps of a database, the newest first."""
    engine = open_database(database_url(db))
    return [StoredSweep(row.name, engine) for row in queries.list_sweeps(engine)]
