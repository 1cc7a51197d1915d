"""How the images of one optimizer step pass through the network; torch-free."""

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from searchctl.trainer.settings.training import TrainSettings


@dataclass(frozen=True)
class Batch:
    """A batch size, and the batches whose gradients make one optimizer step."""

    batch_size: int
    accumulate: int

    @classmethod
    def of(cls, settings: "TrainSettings") -> Self:
        """Return the batch of these settings."""
        return cls(settings.batch_size, settings.accumulate)

    def halved(self) -> Self:
        """Return half of the batch, rounded down, and twice the batches for a step.

        >>> Batch(16, 1).halved()
        Batch(batch_size=8, accumulate=2)
        """
        return type(self)(self.batch_size // 2, self.accumulate * 2)

    def within(self, settings: "TrainSettings") -> "TrainSettings":
        """Return the settings with this batch."""
        return settings.model_copy(update=asdict(self))

    def __str__(self) -> str:
        return f"batch_size {self.batch_size} and accumulate {self.accumulate}"
