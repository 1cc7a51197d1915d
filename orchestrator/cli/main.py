"""The `searchctl` command. Only click is imported here, so that `--help` is immediate."""

import os
import sys

import click

from searchctl.orchestrator.cli.before import calibrate, check, data, doctor, files, init, plan
from searchctl.orchestrator.cli.common import (
    BUSY,
    ERROR,
    NO_ANSWER,
    UNFORESEEN,
    CommandGroup,
    messages_of,
    print_errors,
)
from searchctl.orchestrator.cli.drive import extend, run
from searchctl.orchestrator.cli.model import evaluate, export, export_model, predict, train
from searchctl.orchestrator.cli.refused_files import refused_file
from searchctl.orchestrator.cli.upkeep import database, keep, manage
from searchctl.orchestrator.cli.views import analysis, dashboard, follow, report, trials, view


@click.group(
    cls=CommandGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name="searchctl")
def cli() -> None:
    """Find the best hyperparameters of a segmentation network for the fewest GPU hours.

    \b
    Every configuration is trained on a small sample of the data. The worse half is dropped,
    the survivors get twice the data, and the last few are trained on all of it.
    Example: searchctl launch sweep.yaml
    """


for command in (
    init.init,
    doctor.doctor,
    files.validate,
    check.check,
    plan.plan,
    calibrate.calibrate,
    data.data,
    run.launch,
    view.status,
    follow.watch,
    follow.logs,
    run.stop,
    run.resume,
    extend.extend_command,
    view.list_command,
    trials.trials,
    view.show_command,
    view.compare,
    analysis.explain,
    analysis.pareto,
    report.report,
    dashboard.dashboard,
    keep.verify,
    keep.gc,
    manage.rename,
    manage.delete,
    export.export,
    train.train,
    predict.predict,
    evaluate.evaluate,
    export_model.export_model,
    files.schema,
    database.db,
):
    cli.add_command(command)


def main() -> None:
    """Run the command; every error is a message, without a traceback.

    Files that it creates are closed to other users: databases, reports and directories of sweeps
    show masks and names of images.
    """
    os.umask(os.umask(0) | 0o007)
    try:
        sys.exit(cli(standalone_mode=False))  # else click would write its own kind of message
    except click.Abort:
        click.echo("aborted", err=True)
        sys.exit(ERROR)
    except click.ClickException as error:
        if isinstance(error, click.UsageError) and error.ctx is not None:
            context = error.ctx
            click.echo(f"{context.get_usage()}\n\nSee `{context.command_path} --help`.\n", err=True)
        print_errors([error.format_message()])
        sys.exit(error.exit_code)
    except Exception as error:
        code = _exit_code(error)
        fault = (_database_fault(error) or refused_file(error)) if code is None else None
        if code is None and fault is None:
            from searchctl.orchestrator.cli.unforeseen import unforeseen

            print_errors([unforeseen(error)])
            sys.exit(UNFORESEEN)
        print_errors([fault] if fault else messages_of(error))
        sys.exit(ERROR if code is None else code)


def _exit_code(error: Exception) -> int | None:
    """Return the exit code of an error that a user can fix; None for a bug in searchctl."""
    from searchctl.orchestrator.core.errors import (
        DriverEnded,
        SearchctlError,
        SweepBusy,
        SweepFailed,
    )
    from searchctl.trainer.core.errors import TrainerError

    if isinstance(error, SweepFailed):
        return NO_ANSWER
    if isinstance(error, SweepBusy):
        return BUSY
    if isinstance(error, DriverEnded):
        return error.exit_code
    return ERROR if isinstance(error, SearchctlError | TrainerError) else None


def _database_fault(error: Exception) -> str | None:
    """Return what is wrong with a database that is unreachable or full; None for other errors."""
    if "sqlalchemy" not in sys.modules:
        return None
    from searchctl.orchestrator.storage.faults import full, full_message, unreachable

    if full(error):
        return f"{full_message(error)}, then resume"
    cause = (str(getattr(error, "orig", error)).strip() or type(error).__name__).splitlines()[0]
    return f"the database does not answer ({cause})" if unreachable(error) else None
