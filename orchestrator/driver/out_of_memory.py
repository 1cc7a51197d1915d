"""What follows when a job runs out of the memory of its GPU, pure.

    first on a GPU   the same job again, with a whole GPU for itself
    then             half of the batch and twice `accumulate`, again and again, if that is allowed
    else             its trial has failed

Smaller batches give other rounding, and with BatchNorm another network: so the batch that a job was
trained with is stored, and a resume decides nothing anew.
"""

from dataclasses import dataclass
from typing import Literal

from searchctl.orchestrator.halving.job_key import JobKey
from searchctl.trainer.settings.batch import Batch

OnOom = Literal["auto", "shrink", "fail"]
"""Which networks are trained with a smaller batch: those without BatchNorm, all, or none."""


@dataclass(frozen=True)
class OutOfMemory:
    """An attempt ran out of the memory of its GPU."""

    key: JobKey
    token: str
    error: str
    batch: Batch
    """The batch that it was trained with."""
    batch_statistics: bool | None
    """Whether its network has BatchNorm that is trained; None if it was not built yet."""
    on_gpu: bool
    """Whether a GPU, or a share of one, was reserved for it."""
    stopping: bool = False
    """Is the whole sweep being stopped?"""


@dataclass(frozen=True)
class Placement:
    """What differs from the settings in the next attempts at a job."""

    alone: bool = False
    """Whether it has whole GPUs for itself."""
    batch: Batch | None = None
    """Its batch; None: that of its settings."""


@dataclass(frozen=True)
class NextTry:
    """How a job that ran out of memory is tried again, or why it is not."""

    text: str
    """For people."""
    fails: bool = False
    batch: Batch | None = None
    """The new batch; None: as before."""


class Placements:
    """How each job is placed; only those that ran out of memory are known here."""

    def __init__(self, on_oom: OnOom) -> None:
        """Let the networks that `on_oom` names be trained with a smaller batch."""
        self._on_oom = on_oom
        self._alone: set[JobKey] = set()
        self._batches: dict[JobKey, Batch] = {}
        self._of_trial: dict[int, Batch] = {}

    def of(self, key: JobKey) -> Placement:
        """Return how a job is placed; a lower rung of its trial may have halved its batch."""
        batch = self._batches.get(key) or self._of_trial.get(key.trial)
        return Placement(key in self._alone, batch)

    def put_alone(self, key: JobKey) -> None:
        """Give a job whole GPUs from now on."""
        self._alone.add(key)

    def put_back(self, key: JobKey) -> None:
        """Place a job as if it had not been alone; a user has requested a retry."""
        self._alone.discard(key)

    def shrink(self, key: JobKey, batch: Batch) -> None:
        """Train a job, and the jobs after it of the same trial, with this batch."""
        self._batches[key] = batch
        if key.kind == "ladder":
            self._of_trial[key.trial] = batch

    def next_try(self, event: OutOfMemory) -> NextTry:
        """Decide how the job is tried again; from now on it is placed so."""
        tried = f"out of memory with {event.batch}"
        if event.on_gpu and event.key not in self._alone:
            self.put_alone(event.key)
            return NextTry(f"{tried}: it is tried again alone on its GPU")
        if refusal := self._refusal(event):
            return NextTry(f"{tried}{', alone on its GPU' * event.on_gpu}: {refusal}", fails=True)
        smaller = event.batch.halved()
        self.shrink(event.key, smaller)
        return NextTry(f"{tried}: it is tried again with {smaller}", batch=smaller)

    def _refusal(self, event: OutOfMemory) -> str | None:
        """Return why the batch is not halved, and what to do; None if it is halved."""
        size, smaller = event.batch.batch_size, event.batch.halved()
        if event.batch_statistics is None:
            return "the network itself does not fit; choose a smaller one, or a larger GPU"
        if size == 1 or (size < 4 and event.batch_statistics):
            why = "BatchNorm needs two images" if size > 1 else "a batch cannot be smaller"
            return f"{why}; choose a smaller network or image_size, or a larger GPU"
        if self._on_oom == "fail":
            return f"resources.on_oom is fail; set {smaller}, or on_oom: shrink"
        if event.batch_statistics and self._on_oom != "shrink":
            return (
                "its network has BatchNorm, which half of the batch would change; "
                f"set {smaller}, or resources.on_oom: shrink"
            )
        return None
