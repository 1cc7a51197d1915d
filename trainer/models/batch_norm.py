"""Whether the images of a batch change each other's predictions in training."""

from torch.nn.modules.batchnorm import _BatchNorm

from searchctl.trainer.models.base import SegmentationModel
from searchctl.trainer.models.finetune import training_mode


def uses_batch_statistics(model: SegmentationModel, finetune: str) -> bool:
    """Return whether a BatchNorm of the network is trained; frozen ones use stored statistics.

    The network is in training mode afterwards. Layers of the user's own that depend on the batch in
    another way are not recognised.
    """
    training_mode(model, finetune)
    return any(isinstance(each, _BatchNorm) and each.training for each in model.modules())
