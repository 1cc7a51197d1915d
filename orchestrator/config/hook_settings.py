"""The sections of a sweep.yaml on who is told of a sweep: hooks, loggers."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from searchctl.trainer.settings.base import Settings

HookName = Literal["rung_closed", "sweep_finished", "sweep_stopped", "sweep_failed"]
"""What a hook may be on."""

Command = Annotated[str, Field(min_length=1)]


def _local(folder: Path) -> Path:
    if ":/" in str(folder):
        raise ValueError(f"must be a directory of the machine that launches, not '{folder}'")
    return folder


class HookSettings(Settings):
    """Commands of the shell that the driver runs, with the facts as JSON on standard input.

    A hook that fails, or takes too long, is logged and recorded, and the sweep goes on. They may
    change when it is resumed.
    """

    rung_closed: Command | None = None
    """Command of the shell for the end of a rung. On standard input it gets the facts as JSON: the
    rung, its best trial and all decisions. If it fails, the sweep goes on. It is stored: name what
    is secret as an environment variable, `curl --data @- "$CHAT_URL"`."""
    sweep_finished: Command | None = None
    """Command for the end of the sweep with an answer; its facts are the best trials."""
    sweep_stopped: Command | None = None
    """Command for an end by a signal, `searchctl stop`, a deadline or a budget, with the reason."""
    sweep_failed: Command | None = None
    """Command for an end without an answer, or one that somebody must fix, with the error."""
    timeout: Annotated[float, Field(gt=0)] = 30
    """Seconds after which a hook is killed."""


class LoggerSettings(Settings):
    """Where else the epochs go, beside the database. May change when the sweep is resumed."""

    tensorboard: Annotated[Path, AfterValidator(_local)] | None = None
    """Directory for TensorBoard on the machine that launches: NAME/trial-0007 below it is the run
    of trial 7 of the sweep NAME. Left out, nothing is written."""
