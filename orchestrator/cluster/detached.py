"""Submits a sweep's driver to a cluster as a Ray job.

The job contains our code, the user's own, the sweep file and the command. All users of the cluster
can see them. Data and secrets are not sent: the driver takes the database's URL from the
environment of the cluster's head.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from sqlalchemy import Engine, make_url

from searchctl.orchestrator.cluster.submitted import SubmittedDriver, drivers_so_far
from searchctl.orchestrator.config.locations import holds_password
from searchctl.orchestrator.config.sweep import Sweep
from searchctl.orchestrator.core.cluster_address import (
    SOURCE_VARIABLE,
    SUBMISSION_VARIABLE,
    SWEEP_FILE,
)
from searchctl.orchestrator.core.errors import SearchctlError, SweepBusy
from searchctl.orchestrator.executors.ray.jobs import ClusterJobs
from searchctl.orchestrator.own_code.sweep_code import launched_code, sent_files
from searchctl.orchestrator.run.preparation.new_sweep import refuse_second
from searchctl.orchestrator.run.preparation.prepare import trial_settings
from searchctl.orchestrator.run.resume import refuse_changed_code
from searchctl.orchestrator.storage.connect import shown
from searchctl.orchestrator.storage.database import open_database
from searchctl.orchestrator.storage.rows import SweepRow
from searchctl.orchestrator.storage.submissions import (
    new_submission,
    newest_submission,
    store_submission,
)


def submit_launch(
    sweep: Sweep, url: str, address: str, source: Path, *, db: str | None, probe: bool
) -> SubmittedDriver:
    """Submit the driver of a new sweep.

    Args:
        sweep: the sweep, with absolute paths.
        url: URL of its database.
        address: address of the cluster.
        source: path of the sweep file.
        db: the database's URL, if the driver needs it as an option.
        probe: whether the driver first measures the speed of the configurations.

    Raises:
        SweepExists: the database already has a sweep of this name.
        SearchctlError: the sweep cannot run on another machine, or the cluster refuses the job.
    """
    _refuse_local_database(url, db)
    _refuse_relative_files(sweep)
    code = launched_code(sweep, source)
    jobs, engine = ClusterJobs(address), open_database(url, create=True)
    refuse_second(engine, sweep)
    command = ["launch", SWEEP_FILE, *(["--db", db] if db else []), *["--probe"] * probe]
    files = sent_files(sweep, code)
    return _submit(engine, jobs, sweep.name, command, files, source, after=0)


def submit_resume(
    row: SweepRow,
    sweep: Sweep,
    url: str,
    address: str,
    *,
    db: str | None,
    options: Sequence[str],
) -> SubmittedDriver:
    """Submit a driver that resumes a stored sweep.

    Args:
        row: the stored sweep.
        sweep: the sweep with its current settings.
        url: URL of its database.
        address: address of the cluster.
        db: the database's URL, if the driver needs it as an option.
        options: options of `searchctl resume` except --db.

    Raises:
        SweepBusy: the sweep has a driver.
        SweepChanged: its own code is not what was launched.
        SearchctlError: the sweep cannot run on another machine, or the cluster refuses the job.
    """
    _refuse_local_database(url, db)
    if row.driver is not None:
        raise SweepBusy(
            f"the sweep is being driven by {row.driver}: follow it with `searchctl watch "
            f"{row.name}`, or end it with `searchctl stop {row.name}`"
        )
    engine, source = open_database(url), Path(row.source)
    edited = row.source and source.is_file() and "--stored" not in options
    accepts = "--accept-changes" in options
    if edited and not accepts:
        refuse_changed_code(row, sweep)
    code = launched_code(sweep, source) if edited and accepts else None
    files = sent_files(sweep, code) if edited else {}
    command = ["resume", row.name, *(["--db", db] if db else []), *options]
    after = drivers_so_far(engine, row)
    return _submit(engine, ClusterJobs(address), row.name, command, files, source, after)


def _submit(
    engine: Engine,
    jobs: ClusterJobs,
    name: str,
    command: Sequence[str],
    files: Mapping[str, bytes],
    source: Path,
    after: int,
) -> SubmittedDriver:
    _refuse_second_driver(engine, jobs, name)
    submission = new_submission(name, jobs.address)
    store_submission(engine, submission)  # before the job: its driver checks that this row exists
    env = {SUBMISSION_VARIABLE: submission.job, SOURCE_VARIABLE: str(source)}
    jobs.submit(submission.job, command, files, env)
    return SubmittedDriver(engine, jobs, submission, after)


def _refuse_second_driver(engine: Engine, jobs: ClusterJobs, name: str) -> None:
    """Refuse to submit a driver while another submitted driver is pending or running."""
    before = newest_submission(engine, name)
    state = jobs.state(before.job) if before else None
    if before and state and not state.ended:
        raise SweepBusy(
            f"'{name}' is already job {before.job} of the cluster ({state.status.lower()}): "
            f"`searchctl logs {name} --driver` shows its output, `searchctl stop {name}` ends it"
        )


def _refuse_local_database(url: str, db: str | None) -> None:
    if make_url(url).get_backend_name() == "sqlite":
        raise SearchctlError(
            f"a driver on a cluster cannot use {shown(url)}: SQLite is a file of one machine; use "
            "PostgreSQL: --db postgresql+psycopg://host/name, or $SEARCHCTL_DB_URL here and in the "
            "environment of the cluster's head"
        )
    if db and holds_password(db):
        raise SearchctlError(
            "--db holds a password, and Ray shows a job's command to everyone: leave --db out, and "
            "put the URL into $SEARCHCTL_DB_URL here and in the environment of the cluster's "
            "head (or a file of mode 600, named by $SEARCHCTL_DB_URL_FILE)"
        )


def _refuse_relative_files(sweep: Sweep) -> None:
    for reference in dict.fromkeys(_files_named(sweep)):
        if "://" not in reference and not Path(reference).is_absolute():
            raise SearchctlError(
                f"{reference} is a relative path, and the driver runs on another machine: write "
                "the absolute path on the cluster's nodes"
            )


def _files_named(sweep: Sweep) -> Iterator[str]:
    """Yield the paths of weights that trials name. A name without a slash is a sweep."""
    for settings in trial_settings(sweep):
        yield from (
            each for each in (settings.checkpoint, settings.weights) if each and "/" in each
        )
