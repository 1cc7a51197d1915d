"""The `searchctl` command. Only click is imported here, so that `--help` is immediate."""

import sys

import click

from searchctl.orchestrator.cli import (
    data,
    database,
    doctor,
    files,
    follow,
    init,
    keep,
    look,
    plan,
    report,
    run,
    serve,
    train,
    understand,
)
from searchctl.orchestrator.cli.common import ERROR, NO_ANSWER, CommandGroup


@click.group(
    cls=CommandGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name="searchctl")
def cli() -> None:
    """Find the best hyperparameters of a segmentation network for the fewest GPU hours.

    \b
    Every configuration is trained on a small sample of the data; the worse half is dropped,
    the survivors get twice the data, and the last few are trained on all of it.
    Example: searchctl launch sweep.yaml
    """


for command in (
    init.init,
    doctor.doctor,
    files.validate,
    plan.plan,
    data.data,
    run.launch,
    look.status,
    follow.watch,
    follow.logs,
    run.stop,
    run.resume,
    look.list_command,
    look.show_command,
    look.compare,
    understand.explain,
    understand.pareto,
    report.report,
    serve.dashboard,
    look.export,
    keep.verify,
    keep.gc,
    train.train,
    files.schema,
    database.db,
):
    cli.add_command(command)


def main() -> None:
    """Run the command; errors that a user can fix are one message, without a traceback."""
    try:
        cli()
    except Exception as error:
        code = _exit_code(error)
        message = str(error) if code is not None else _database_fault(error)
        if message is None:
            raise
        click.echo(f"error: {message}", err=True)
        sys.exit(ERROR if code is None else code)


def _exit_code(error: Exception) -> int | None:
    """Return the exit code of an error that a user can fix; None for a fault of ours."""
    from searchctl.orchestrator.core.errors import DriverEnded, SearchctlError, SweepFailed
    from searchctl.trainer.core.errors import TrainerError

    if isinstance(error, SweepFailed):
        return NO_ANSWER
    if isinstance(error, DriverEnded):
        return error.exit_code
    return ERROR if isinstance(error, SearchctlError | TrainerError) else None


def _database_fault(error: Exception) -> str | None:
    """Say what is wrong with a database that does not answer, or takes no more; else None."""
    if "sqlalchemy" not in sys.modules:
        return None
    from searchctl.orchestrator.storage.faults import full, unreachable

    cause = str(getattr(error, "orig", error)).strip().splitlines()[0]
    if full(error):
        return f"the database cannot store anything more ({cause}): make room, then resume"
    return f"the database does not answer ({cause})" if unreachable(error) else None
