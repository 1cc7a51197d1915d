"""The progress of one job's training."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

import torch
from torch import Tensor

from searchctl.trainer.core.results import EpochRecord, Evaluation, ImageCounts
from searchctl.trainer.evaluation.evaluate import Scored
from searchctl.trainer.settings.training import TrainSettings


@dataclass(frozen=True)
class Kept:
    """The epoch with the best score; the earliest of several."""

    epoch: int
    score: float
    validation: Scored
    weights: Mapping[str, Tensor]
    """A copy of the state dict, on the CPU."""


@dataclass
class TrainingProgress:
    """The results so far; the next epoch and the result depend on them."""

    records: list[EpochRecord] = field(default_factory=list)
    kept: Kept | None = None
    validations_without_better: int = 0
    features: dict[int, Tensor] = field(default_factory=dict)
    """The network's features of the validation images, by epoch: see embeddings.py."""
    masks: dict[int, dict[str, Tensor]] = field(default_factory=dict)
    """Predicted masks of a few validation images, by epoch and image: see masks.py."""

    @property
    def epoch(self) -> int:
        """The last epoch that was trained; 0 before the first."""
        return len(self.records)

    def is_over(self, settings: TrainSettings) -> bool:
        """Was this the last epoch, or has training run out of patience?"""
        patience = settings.patience or math.inf
        return self.epoch >= settings.epochs or self.validations_without_better >= patience

    def is_milestone(self, settings: TrainSettings) -> bool:
        """Was the last epoch the first one, the middle one, or the end of the training?"""
        middle = (settings.epochs + 1) // 2
        return self.epoch in (1, middle) or self.is_over(settings)

    def state_dict(self) -> dict[str, Any]:
        """Return all of it as tensors, numbers and containers of these.

        Weights of the last epoch are left out, as they are the network's own.
        """
        return {
            "records": [asdict(record) for record in self.records],
            "kept": self._kept_state(self.kept) if self.kept else None,
            "validations_without_better": self.validations_without_better,
            "features": dict(self.features),
            "masks": dict(self.masks),
        }

    @classmethod
    def from_state_dict(cls, state: Mapping[str, Any], network: Mapping[str, Tensor]) -> Self:
        """Return the progress of a `state_dict`, with these weights of the network."""
        return cls(
            records=[EpochRecord(**record) for record in state["records"]],
            kept=_kept(state["kept"], network) if state["kept"] else None,
            validations_without_better=state["validations_without_better"],
            features=dict(state.get("features", {})),
            masks=dict(state.get("masks", {})),
        )

    def _kept_state(self, kept: Kept) -> dict[str, Any]:
        evaluation, images = kept.validation
        return {
            "epoch": kept.epoch,
            "score": kept.score,
            "evaluation": asdict(evaluation),
            "images": {name: torch.from_numpy(array) for name, array in vars(images).items()},
            "weights": None if kept.epoch == self.epoch else dict(kept.weights),
        }


def _kept(state: Mapping[str, Any], network: Mapping[str, Tensor]) -> Kept:
    images = {name: tensor.numpy() for name, tensor in state["images"].items()}
    validation = Evaluation(**state["evaluation"]), ImageCounts(**images)
    weights = network if state["weights"] is None else state["weights"]
    return Kept(state["epoch"], state["score"], validation, weights)
