"""How a process trains its copy of a network: alone, or with the gradients of all processes."""

from contextlib import AbstractContextManager, nullcontext

from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from searchctl.trainer.ddp.batch_norm import SyncBatchNormMode
from searchctl.trainer.ddp.group import SINGLE_PROCESS, ProcessGroup
from searchctl.trainer.models.base import SegmentationModel


class ModelWrapper:
    """A network on its device that one process trains alone."""

    def __init__(
        self, model: SegmentationModel, process_group: ProcessGroup = SINGLE_PROCESS
    ) -> None:
        self.process_group = process_group
        self._model = model

    def forward_context(self, images: int) -> AbstractContextManager[object]:
        """Enter this for the forward pass of a batch of so many images, who has them."""
        return nullcontext()

    def all_logits(self, images: Tensor) -> list[Tensor]:
        """Return what the network does."""
        return self._model.all_logits(images)


class DistributedWrapper(ModelWrapper):
    """A network of which every process trains a copy: their gradients, and so they, are the same.

    The gradient is the mean over the processes. Each computes the loss of the whole batch (losses
    sum over all processes), so that this mean is the gradient of one process with all the images.
    A batch with too few images for all processes is trained on whole by each.
    """

    def __init__(self, model: SegmentationModel, process_group: ProcessGroup) -> None:
        super().__init__(model, process_group)
        # statistics over the batch are of all processes, so one image is enough for any of them
        model.smallest_batch = 1
        self._network = DistributedDataParallel(
            _AllLogits(model),
            gradient_as_bucket_view=True,
            static_graph=True,  # also lets a network have weights that it does not use
        )

    def forward_context(self, images: int) -> AbstractContextManager[object]:
        """Enter this for the forward pass of a batch of so many images, who has them."""
        return (
            SyncBatchNormMode(self.process_group)
            if self.process_group.splits(images)
            else nullcontext()
        )

    def all_logits(self, images: Tensor) -> list[Tensor]:
        """Return what the network does."""
        logits: list[Tensor] = self._network(images)
        return logits


class _AllLogits(nn.Module):
    """A network whose call is `all_logits`: what DistributedDataParallel wraps is called."""

    def __init__(self, model: SegmentationModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, images: Tensor) -> list[Tensor]:
        return self.model.all_logits(images)
