"""The groups of an optimizer: weights with their learning rate and weight decay."""

from collections.abc import Iterator, Sequence
from typing import Any

from torch import Tensor

from searchctl.trainer.models.base import SegmentationModel
from searchctl.trainer.settings.training import TrainSettings

Groups = list[dict[str, Any]]
"""Parameters with their initial learning rate and weight decay: see `torch.optim.Optimizer`."""
Rated = Iterator[tuple[Sequence[Tensor], float]]


def parameter_groups(settings: TrainSettings, model: SegmentationModel) -> Groups:
    """Return what is trained of a model: the head first, then the encoder.

    The encoder has a learning rate of its own, and with `encoder_lr_decay` each of its stages has.
    With `decay_norms: false`, weights of one dimension (those of norms, and biases) are groups of
    their own, without weight decay.

    Raises:
        SettingsError: the network does not offer the stages of its encoder.
    """
    found: Groups = []
    for weights, lr in _rated(settings, model):
        kinds = [weights]
        if not settings.decay_norms:
            kinds = [[w for w in weights if w.dim() > 1], [w for w in weights if w.dim() <= 1]]
        for kind, decay in zip(kinds, (settings.weight_decay, 0.0), strict=False):
            found.append({"params": kind, "lr": lr, "weight_decay": decay})
    return [group for group in found if group["params"]]


def _rated(settings: TrainSettings, model: SegmentationModel) -> Rated:
    """Yield the trained weights with their learning rates."""
    by_stage = settings.encoder_lr_decay != 1
    has_encoder = by_stage or settings.encoder_lr_scale != 1 or model.offers("encoder")
    of_encoder = set(model.part("encoder").parameters()) if has_encoder else set()
    trained = [weights for weights in model.parameters() if weights.requires_grad]
    yield [weights for weights in trained if weights not in of_encoder], settings.lr
    encoder = [weights for weights in trained if weights in of_encoder]
    lr = settings.lr * settings.encoder_lr_scale
    if not by_stage:
        yield encoder, lr
        return
    stage_of = _stage_of(model)
    last = len(model.stages()) - 1
    for stage in range(last, -1, -1):
        weights = [each for each in encoder if stage_of.get(each, 0) == stage]
        yield weights, lr * settings.encoder_lr_decay ** (last - stage)


def _stage_of(model: SegmentationModel) -> dict[Tensor, int]:
    """Return the number of the stage of the encoder's weights; others belong to the first."""
    return {
        weights: number
        for number, stage in enumerate(model.stages())
        for module in stage
        for weights in module.parameters()
    }
