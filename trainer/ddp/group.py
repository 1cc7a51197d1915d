"""The processes that train one job together: who has which images, and what they tell each other.

Every one of them holds the same network and goes through the same epochs. Only images, and what
comes of them, are divided: a batch, and the images that are scored.
"""

import io
from collections.abc import Sequence
from typing import Any, TypeVar, cast

import torch
import torch.distributed as dist
from torch import Tensor

Part = TypeVar("Part", bound=Sequence[Any])
Thing = TypeVar("Thing")


class ProcessGroup:
    """A job's processes, seen from one of them: here, one process that is alone.

    Attributes:
        rank: number of this process, from 0.
        size: how many processes there are.
    """

    rank: int = 0
    size: int = 1

    @property
    def is_first(self) -> bool:
        """Whether this is the process that writes files and tells of epochs."""
        return self.rank == 0

    def splits(self, count: int) -> bool:
        """Return whether so many images are divided; too few for all are everyone's."""
        return 1 < self.size <= count

    def shard(self, whole: Part) -> Part:
        """Return this process's share of something; the shares in order are the whole."""
        if not self.splits(len(whole)):
            return whole
        cuts = [rank * len(whole) // self.size for rank in (self.rank, self.rank + 1)]
        return cast(Part, whole[slice(*cuts)])

    def all_reduce_sum(self, own: Tensor) -> Tensor:
        """Return the sum over all processes; gradients pass through it."""
        return own

    def all_gather(self, own: Thing) -> list[Thing]:
        """Return what each process has, in their order."""
        return [own]

    def broadcast(self, own: Thing) -> Thing:
        """Return what the first process has: tensors, numbers, text, and containers of these."""
        return own


SINGLE_PROCESS = ProcessGroup()
"""The one process of a job that is not divided."""


class TorchProcessGroup(ProcessGroup):
    """Several processes, connected by torch.distributed, whose default group they are."""

    def __init__(self) -> None:
        self.rank, self.size = dist.get_rank(), dist.get_world_size()

    def all_reduce_sum(self, own: Tensor) -> Tensor:
        """Return the sum over all processes; gradients pass through it."""
        total: Tensor = _AllReduceSum.apply(own)  # type: ignore[no-untyped-call]
        return total

    def all_gather(self, own: Thing) -> list[Thing]:
        """Return what each process has, in their order."""
        gathered: list[Any] = [None] * self.size
        dist.all_gather_object(gathered, own)
        return gathered

    def broadcast(self, own: Thing) -> Thing:
        """Return what the first process has: tensors, numbers, text, and containers of these."""
        # by torch.save, as pickle alone cannot read every tensor back
        written = io.BytesIO()
        if self.is_first:
            torch.save(own, written)
        given = [written.getvalue()]
        dist.broadcast_object_list(given, src=0)
        thing: Thing = torch.load(io.BytesIO(given[0]), map_location="cpu", weights_only=True)
        return thing


class _AllReduceSum(torch.autograd.Function):
    """A sum over processes: each one's part has an effect on what every one makes of the sum."""

    @staticmethod
    def forward(ctx: Any, own: Tensor) -> Tensor:
        total = own.clone(memory_format=torch.contiguous_format)
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        total: Tensor = _AllReduceSum.apply(gradient)  # type: ignore[no-untyped-call]
        return total
