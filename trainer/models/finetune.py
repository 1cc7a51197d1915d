"""Finetuning: which parts of a network are trained, and how the others are frozen."""

from collections.abc import Iterator

from torch import nn

from searchctl.trainer.core.errors import SettingsError
from searchctl.trainer.models.base import SegmentationModel

FROZEN: dict[str, tuple[str, ...]] = {
    "all": (),
    "decoder": ("encoder",),
    "classifier": ("encoder", "decoder", "aux_decoder"),
    "frozen_decoder": ("decoder", "aux_decoder"),
}
"""Setting -> its frozen parts; last_K freezes the encoder except its last K stages."""


def freeze(model: SegmentationModel, finetune: str) -> None:
    """Exclude the frozen parts from the gradient.

    If everything before the classifier is frozen, autograd stores no activations of it, since none
    of its inputs requires a gradient.

    Raises:
        SettingsError: the encoder has fewer stages than are to be trained.
    """
    for module, trained in _switches(model, finetune):
        module.requires_grad_(trained)


def training_mode(model: SegmentationModel, finetune: str) -> None:
    """Set the trained parts to training mode and the frozen parts to evaluation mode.

    A frozen part in training mode would still update its BatchNorm statistics and drop channels.
    """
    for module, trained in _switches(model, finetune):
        module.train(trained)


def _switches(model: SegmentationModel, finetune: str) -> Iterator[tuple[nn.Module, bool]]:
    """Yield modules and whether they are trained; later entries override earlier ones."""
    yield model, True
    if not finetune.startswith("last_"):
        for part in FROZEN[finetune]:
            if model.offers(part) or not part.startswith("aux_"):
                yield model.part(part), False
        return
    yield model.part("encoder"), False
    for stage in _last_stages(model, int(finetune.removeprefix("last_"))):
        for module in stage:
            yield module, True


def _last_stages(model: SegmentationModel, count: int) -> list[list[nn.Module]]:
    stages = model.stages()
    if count > len(stages):
        raise SettingsError(
            f"finetune last_{count}: this encoder has {len(stages)} stages; "
            f"use last_{len(stages)} at most, or all"
        )
    return stages[-count:]
