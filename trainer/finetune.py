"""Which parts of a network are trained, and how the others are kept as they are."""

from torch.nn import Parameter

from trainer.models.base import SegmentationModel

FROZEN: dict[str, tuple[str, ...]] = {
    "all": (),
    "decoder": ("encoder",),
    "classifier": ("encoder", "decoder"),
    "frozen_decoder": ("decoder",),
}
"""Setting -> the parts that are not trained."""


def freeze(model: SegmentationModel, finetune: str) -> list[Parameter]:
    """Exclude the parts that are not trained from the gradient; return what is left to train.

    Where everything before the classifier is frozen, autograd keeps no activations of it: none of
    its inputs asks for a gradient.
    """
    for part in FROZEN[finetune]:
        model.get_submodule(part).requires_grad_(False)
    return [parameter for parameter in model.parameters() if parameter.requires_grad]


def training_mode(model: SegmentationModel, finetune: str) -> None:
    """Put the trained parts into training mode and the frozen ones into evaluation mode.

    A frozen part in training mode would still move its BatchNorm statistics and drop channels.
    """
    model.train()
    for part in FROZEN[finetune]:
        model.get_submodule(part).eval()
