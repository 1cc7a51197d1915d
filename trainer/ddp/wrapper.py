"""How a process trains its network: alone, or by DDP with the gradients of all processes."""

from contextlib import AbstractContextManager, nullcontext

from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from searchctl.trainer.ddp.batch_norm import SyncBatchNormMode
from searchctl.trainer.ddp.group import SINGLE_PROCESS, ProcessGroup
from searchctl.trainer.models.base import SegmentationModel


class ModelWrapper:
    """A network on its device, trained by one process."""

    def __init__(
        self, model: SegmentationModel, process_group: ProcessGroup = SINGLE_PROCESS
    ) -> None:
        self.process_group = process_group
        self._model = model

    def forward_context(self, images: int) -> AbstractContextManager[object]:
        """Return the context of a forward pass; `images` is the whole batch's number of images."""
        return nullcontext()

    def all_logits(self, images: Tensor) -> list[Tensor]:
        """Return the logits of the network, and those of its auxiliary head."""
        return self._model.all_logits(images)


class DistributedWrapper(ModelWrapper):
    """A network that every process trains a copy of; gradients and weights are equal in all.

    DDP averages the gradients over the processes. Each process computes the loss of the whole batch
    (losses sum over all processes), so the mean equals the gradient of one process with all images.
    If a batch has fewer images than there are processes, each process trains on the whole batch.
    """

    def __init__(self, model: SegmentationModel, process_group: ProcessGroup) -> None:
        super().__init__(model, process_group)
        # batch statistics are of all processes, so one image in each process is enough
        model.smallest_batch = 1
        self._network = DistributedDataParallel(
            _AllLogits(model),
            gradient_as_bucket_view=True,
            static_graph=True,  # also lets a network have weights that it does not use
        )

    def forward_context(self, images: int) -> AbstractContextManager[object]:
        """Return the context of a forward pass; `images` is the whole batch's number of images."""
        return (
            SyncBatchNormMode(self.process_group)
            if self.process_group.splits(images)
            else nullcontext()
        )

    def all_logits(self, images: Tensor) -> list[Tensor]:
        """Return the logits of the network, and those of its auxiliary head."""
        logits: list[Tensor] = self._network(images)
        return logits


class _AllLogits(nn.Module):
    """A module whose forward is `all_logits`; DistributedDataParallel can only wrap forward."""

    def __init__(self, model: SegmentationModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, images: Tensor) -> list[Tensor]:
        return self.model.all_logits(images)
