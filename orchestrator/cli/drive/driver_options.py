"""Options of the commands that drive a sweep: launch, resume, extend, calibrate."""

from typing import TYPE_CHECKING, TypeVar

import click

from searchctl.orchestrator.cli.common import data_root_option, db_option
from searchctl.orchestrator.cli.drive.cluster import address_option, detach_option

if TYPE_CHECKING:
    from collections.abc import Callable

    from searchctl.orchestrator.config.sweep import Sweep

Command = TypeVar("Command", bound="Callable[..., object]")


def _moment(_context: click.Context, _option: click.Parameter, text: str | None) -> str | None:
    from searchctl.orchestrator.config.sections.resources import read_moment

    try:
        return None if text is None else read_moment(text).isoformat()
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


deadline_option = click.option(
    "--deadline",
    metavar="WHEN",
    callback=_moment,
    help="Stop at a local time (2026-11-30T18:00) or after a time span (8h, 90s); replaces "
    "budget.deadline.",
)
gpu_hours_option = click.option(
    "--max-gpu-hours",
    "gpu_hours",
    metavar="HOURS",
    type=click.FloatRange(min=0, min_open=True),
    help="Stop when the trials have used so many GPU hours; replaces budget.gpu_hours.",
)


def budgeted(sweep: "Sweep", deadline: str | None, gpu_hours: float | None) -> "Sweep":
    """Return the sweep with the deadline and the budget of the command line."""
    from datetime import UTC, datetime

    from searchctl.orchestrator.config.sweep import Sweep
    from searchctl.orchestrator.facts.text import local_time

    if gpu_hours and not sweep.resources.gpus_per_trial:
        raise click.UsageError(
            "trials of this sweep use no GPU (resources.gpus_per_trial is 0): remove "
            "--max-gpu-hours"
        )
    options = {"deadline": deadline, "gpu_hours": gpu_hours}
    given = {key: value for key, value in options.items() if value}
    budget = {**sweep.to_json()["budget"], **given}
    moment = datetime.fromisoformat(budget["deadline"]) if budget["deadline"] else None
    if moment and moment <= datetime.now(UTC):
        raise click.UsageError(
            f"the deadline {local_time(moment)} has passed: give another one with --deadline, or "
            "edit budget.deadline"
        )
    return Sweep.from_json({**sweep.to_json(), "budget": budget}) if given else sweep


stored_option = click.option(
    "--stored", is_flag=True, help="Continue what was launched, although its file was edited since."
)
inline_option = click.option(
    "--inline", is_flag=True, help="Run the jobs one by one in this process, without Ray."
)


def driver_options(command: Command) -> Command:
    """Add the options of a command that continues a stored sweep."""
    options = (db_option, data_root_option, inline_option, deadline_option, gpu_hours_option)
    for option in reversed((*options, address_option, detach_option)):
        command = option(command)
    return command
