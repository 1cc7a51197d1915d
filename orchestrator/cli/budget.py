"""Options that end a run before its end, in place of the file's budget."""

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from searchctl.orchestrator.config.sweep import Sweep


def _moment(_context: click.Context, _option: click.Parameter, text: str | None) -> str | None:
    from searchctl.orchestrator.config.sweep_settings import read_moment

    try:
        return None if text is None else read_moment(text).isoformat()
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


deadline_option = click.option(
    "--deadline",
    metavar="WHEN",
    callback=_moment,
    help="Stop at a moment (2026-11-30T18:00) or after a time (8h, 1d12h); in place of "
    "budget.deadline.",
)
gpu_hours_option = click.option(
    "--max-gpu-hours",
    "gpu_hours",
    metavar="HOURS",
    type=click.FloatRange(min=0, min_open=True),
    help="Stop when trials have held so many GPU hours; in place of budget.gpu_hours.",
)


def budgeted(sweep: "Sweep", deadline: str | None, gpu_hours: float | None) -> "Sweep":
    """Put the command's deadline and budget in place of the file's."""
    from datetime import UTC, datetime

    from searchctl.orchestrator.config.sweep import Sweep

    if gpu_hours and not sweep.resources.gpus_per_trial:
        raise click.UsageError("--max-gpu-hours is never spent: resources.gpus_per_trial is 0")
    said = {"deadline": deadline, "gpu_hours": gpu_hours}
    budget = {**sweep.to_json()["budget"], **{key: value for key, value in said.items() if value}}
    moment = budget["deadline"]
    if moment and datetime.fromisoformat(moment) <= datetime.now(UTC):
        raise click.UsageError(
            f"the deadline {moment} has passed: give another one with --deadline, or edit "
            "budget.deadline"
        )
    return Sweep.from_json({**sweep.to_json(), "budget": budget}) if any(said.values()) else sweep
