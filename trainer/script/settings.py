"""The section `training:` of a sweep whose trials run the user's own script. Imports no torch."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import AfterValidator, ConfigDict, Field, ValidationInfo, field_validator

from searchctl.searchspace.values import freeze
from searchctl.trainer.script import command as commands
from searchctl.trainer.script.command import GIVEN
from searchctl.trainer.settings.base import Settings
from searchctl.trainer.settings.marks import Mark

_FUNCTION = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")


def _command(written: str) -> str:
    commands.split(written)
    return written


def _function(written: str) -> str:
    if not _FUNCTION.fullmatch(written):
        raise ValueError(f"must be MODULE:FUNCTION, such as my_train:train, not {written!r}")
    return written


def _values(written: dict[str, Any]) -> dict[str, Any]:
    for name, value in written.items():
        if name in GIVEN:
            raise ValueError(f"holds {name}, which searchctl gives ({GIVEN[name]}): leave it out")
        try:
            freeze(value)
        except ValueError as error:
            raise ValueError(f"holds {name}, which is no value: {error}") from None
    return written


class ScriptSettings(Settings):
    """A script of your own that trains: a command, or a function. See docs/own-script.md."""

    model_config = ConfigDict(
        json_schema_extra={"anyOf": [{"required": ["command"]}, {"required": ["function"]}]}
    )

    command: Annotated[str, AfterValidator(_command)] | None = None
    """Command line of a training, with placeholders: python train.py --lr {lr} --list {train_list}.
    It runs without a shell. `python` is the one that runs searchctl."""
    function: Annotated[str, AfterValidator(_function)] | None = Field(
        default=None, validate_default=True
    )
    """Function to call in a new process, in place of a command: my_train:train. Its parameters are
    filled by their names, as placeholders are."""
    values: Annotated[dict[str, Any], AfterValidator(_values)] = Field(default={})
    """Fixed values of placeholders that are not searched."""
    epochs: Annotated[int, Field(ge=1, le=100_000)] = 20
    """Epochs to train, as `{epochs}`."""
    timeout: Annotated[Annotated[float, Field(gt=0)] | None, Mark.NO_NUMBER] = None
    """Seconds after which a training that has not ended counts as failed. Default: none."""
    directory: Annotated[Path | None, Mark.NO_NUMBER] = None
    """Directory in which the script runs as it is there, without a copy of its code. Default: a
    copy of the script and what it imports from beside the sweep file, made at the launch."""

    @field_validator("function")
    @classmethod
    def _is_the_only_one(cls, function: str | None, info: ValidationInfo) -> str | None:
        command = info.data.get("command")
        if function is not None and command is not None:
            raise ValueError("excludes command: leave one of the two out")
        return function

    def with_params(self, params: Mapping[str, Any]) -> Self:
        """Return these settings with a trial's params in place of the fixed values."""
        values = {**self.values, **params}
        epochs = values.pop("epochs", self.epochs)
        return self.model_copy(update={"values": values, "epochs": epochs})

    @property
    def arguments(self) -> list[str]:
        """The arguments of the command with their placeholders; empty for a function."""
        return commands.split(self.command) if self.command is not None else []

    @property
    def placeholders(self) -> tuple[str, ...]:
        """Names of the command's placeholders; empty for a function."""
        return commands.placeholders(self.arguments)

    @property
    def takes_any(self) -> bool:
        """Whether every value reaches the script without a placeholder of its own."""
        return self.function is not None or "params" in self.placeholders
