"""In which epochs of a training the validation set is scored."""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from searchctl.trainer.settings.base import Settings


class Validate(Settings):
    """Epochs in which the validation set is scored; the last one always is."""

    every: Annotated[int, Field(ge=1)] | None = None
    """Score after every n-th epoch."""
    last: Annotated[int, Field(ge=0)] = 0
    """Score after each of the last k epochs too."""

    @model_validator(mode="after")
    def _names_epochs(self) -> Self:
        if self.every is None and not self.last:
            raise ValueError("names no epochs: write every: 5, last: 2, or both")
        return self

    def due(self, epoch: int, epochs: int) -> bool:
        """Is the validation set scored after this epoch (counted from 1) of so many?"""
        is_nth = self.every is not None and epoch % self.every == 0
        return is_nth or epoch > epochs - max(1, self.last)

    def count(self, epochs: int, after: int = 0) -> int:
        """Return how many epochs of so many end with a validation, of those after the given one."""
        return sum(self.due(epoch, epochs) for epoch in range(after + 1, epochs + 1))

    def in_effect(self, epochs: int) -> "Validate":
        """Return it, equal for two that score each of so many epochs."""
        return EVERY_EPOCH if self.count(epochs) == epochs else self


EVERY_EPOCH = Validate(every=1)
LAST_TWO = Validate(last=2)


def _spelled_out(written: "Literal['auto', 'every'] | Validate") -> "Literal['auto'] | Validate":
    return EVERY_EPOCH if written == "every" else written


ValidateChoice = Annotated[Literal["auto", "every"] | Validate, AfterValidator(_spelled_out)]
"""As it is written under `training`. `auto` depends on the rung: see the orchestrator."""
