"""The sections `hooks:` and `loggers:` of a sweep.yaml."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from searchctl.trainer.settings.base import Settings
from searchctl.trainer.settings.source.own import is_import_path

HookName = Literal["rung_closed", "sweep_finished", "sweep_stopped", "sweep_failed"]
"""Events that can run a hook."""

Command = Annotated[str, Field(min_length=1)]


def _local(folder: Path) -> Path:
    if ":/" in str(folder):
        raise ValueError(f"must be a directory of the launching machine, not '{folder}'")
    return folder


def _without_password(uri: str) -> str:
    if not uri.startswith(("http://", "https://")):
        raise ValueError("must be the address of an MLflow server, e.g. http://host:5000")
    if "@" in uri.partition("://")[2].partition("/")[0]:
        raise ValueError(
            "must not hold a name or a password, because it is stored: use "
            "$MLFLOW_TRACKING_USERNAME and $MLFLOW_TRACKING_PASSWORD"
        )
    return uri


def _import_path(name: str) -> str:
    if not is_import_path(name):
        raise ValueError("is no import path: write module:Class")
    return name


class HookSettings(Settings):
    """Shell commands that the driver runs. Each gets JSON on standard input.

    A hook that fails or takes too long is logged and recorded, and the sweep continues. Hooks may
    change when a sweep is resumed.
    """

    rung_closed: Command | None = None
    """Shell command that runs at the end of each rung. It gets JSON on standard input: the rung,
    its best trial and all decisions. If it fails, the sweep continues. The command is stored in the
    database, so pass secrets through environment variables: `curl --data @- "$CHAT_URL"`."""
    sweep_finished: Command | None = None
    """Command that runs when the sweep ends with a winner. Its JSON has the best trials."""
    sweep_stopped: Command | None = None
    """Command that runs when a signal, `searchctl stop`, a deadline or a budget stops the sweep.
    Its JSON has the reason."""
    sweep_failed: Command | None = None
    """Command that runs when the sweep ends with an error or without a winner. Its JSON has the
    error."""
    timeout: Annotated[float, Field(gt=0)] = 30
    """Seconds after which a hook is killed."""


class LoggerSettings(Settings):
    """Loggers that receive every epoch, in addition to the database.

    They may change when a sweep is resumed.
    """

    tensorboard: Annotated[Path, AfterValidator(_local)] | None = None
    """TensorBoard directory on the launching machine. Trial 7 of the sweep NAME writes to
    NAME/trial-0007 below it. Without this setting, no TensorBoard files are written."""
    mlflow: Annotated[str, AfterValidator(_without_password)] | None = None
    """Address of an MLflow server, e.g. `http://host:5000`. The sweep is an experiment, and each
    trial a run. Needs `searchctl[mlflow]`. `$MLFLOW_TRACKING_USERNAME`,
    `$MLFLOW_TRACKING_PASSWORD` or `$MLFLOW_TRACKING_TOKEN` give access."""
    wandb: Annotated[str, Field(pattern=r"^([\w.-]+/)?[\w.-]+$")] | None = None
    """Project of Weights & Biases, as PROJECT or ENTITY/PROJECT. The sweep is a group, and each
    trial a run. Needs `searchctl[wandb]`. `$WANDB_API_KEY` gives access; `WANDB_MODE=offline`
    writes files only."""
    own: dict[Annotated[str, AfterValidator(_import_path)], dict[str, Any]] = Field(default={})
    """Loggers of your own by import path, each with its arguments: `{my_logs:CsvLogger: {file:
    epochs.csv}}`. See own-parts.md."""
