"""The process group of a job: how images are sharded, and the collective operations.

Each process holds the same network and runs the same epochs. Only images are sharded: those of a
batch, and those that are scored.
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
    """The processes of a job, seen from one of them. This base class is a group of one process.

    Attributes:
        rank: number of this process, from 0.
        size: number of processes.
    """

    rank: int = 0
    size: int = 1

    @property
    def is_first(self) -> bool:
        """Whether this is the process that writes files and reports epochs."""
        return self.rank == 0

    def splits(self, count: int) -> bool:
        """Return whether so many images are sharded; with too few, each process takes all."""
        return 1 < self.size <= count

    def shard(self, whole: Part) -> Part:
        """Return this process's shard of a sequence; the shards in rank order are the whole."""
        if not self.splits(len(whole)):
            return whole
        cuts = [rank * len(whole) // self.size for rank in (self.rank, self.rank + 1)]
        return cast(Part, whole[slice(*cuts)])

    def all_reduce_sum(self, own: Tensor) -> Tensor:
        """Return the sum over all processes; gradients pass through it."""
        return own

    def all_gather(self, own: Thing) -> list[Thing]:
        """Return the values of all processes, in rank order."""
        return [own]

    def all_gather_batch(self, own: Tensor) -> Tensor:
        """Return the tensors of all processes, joined in rank order; gradients pass through it."""
        return own

    def broadcast(self, own: Thing) -> Thing:
        """Return the first process's value: tensors, numbers, text, and containers of these."""
        return own


SINGLE_PROCESS = ProcessGroup()
"""The process group of a job that runs in one process."""


class TorchProcessGroup(ProcessGroup):
    """Several processes that form the default group of torch.distributed."""

    def __init__(self) -> None:
        self.rank, self.size = dist.get_rank(), dist.get_world_size()

    def all_reduce_sum(self, own: Tensor) -> Tensor:
        """Return the sum over all processes; gradients pass through it."""
        total: Tensor = _AllReduceSum.apply(own)  # type: ignore[no-untyped-call]
        return total

    def all_gather(self, own: Thing) -> list[Thing]:
        """Return the values of all processes, in rank order."""
        gathered: list[Any] = [None] * self.size
        dist.all_gather_object(gathered, own)
        return gathered

    def all_gather_batch(self, own: Tensor) -> Tensor:
        """Return the tensors of all processes, joined in rank order; gradients pass through it."""
        counts = torch.zeros(self.size, dtype=torch.int64, device=own.device)
        counts[self.rank] = len(own)
        dist.all_reduce(counts)
        ends: list[int] = counts.cumsum(0).tolist()
        whole = own.new_zeros(ends[-1], *own.shape[1:])
        # each process fills in its own images, and the sum over all is the whole batch
        whole[ends[self.rank] - len(own) : ends[self.rank]] = own
        return self.all_reduce_sum(whole)

    def broadcast(self, own: Thing) -> Thing:
        """Return the first process's value: tensors, numbers, text, and containers of these."""
        # torch.save, since plain pickle cannot restore every tensor
        written = io.BytesIO()
        if self.is_first:
            torch.save(own, written)
        given = [written.getvalue()]
        dist.broadcast_object_list(given, src=0)
        thing: Thing = torch.load(io.BytesIO(given[0]), map_location="cpu", weights_only=True)
        return thing


class _AllReduceSum(torch.autograd.Function):
    """A differentiable sum over all processes.

    Each process's value affects the losses of all processes, so the gradient is summed too.
    """

    @staticmethod
    def forward(ctx: Any, own: Tensor) -> Tensor:
        total = own.clone(memory_format=torch.contiguous_format)
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        total: Tensor = _AllReduceSum.apply(gradient)  # type: ignore[no-untyped-call]
        return total
