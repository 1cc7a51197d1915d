"""Jobs that are killed on their way, each in a process of its own.

The processes are forked from one that has imported what a job needs and has done nothing with it:
fresh, without the seconds that these imports take.
"""

import multiprocessing
import os
import signal
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(
    [
        "searchctl.trainer.run.trial",
        "searchctl.trainer.models.networks.unet",
        "searchctl.trainer.data.augment.presets",
    ]
)


def exit_code(function: Callable[..., object], *arguments: object, patience_s: float = 120) -> int:
    """Run a function that can be imported; return how its process ended, a signal as -number."""
    process = _CONTEXT.Process(target=function, args=arguments)
    process.start()
    process.join(patience_s)
    if process.exitcode is None:
        process.kill()
        raise TimeoutError(f"still at work after {patience_s} s")
    return process.exitcode


def train_and_die(request: Mapping[str, Any]) -> None:
    """Train a job until SIGKILL comes: after an epoch, or before a batch, validation's too."""
    from searchctl.trainer import Sample, TrainSettings, TrialJob, run_job
    from searchctl.trainer.data.settings import FolderData
    from tests.jobs.checkpoints import when_written

    batches = 0

    def kill_after_epoch(record: Any) -> None:
        if record.epoch == request.get("epoch"):
            os.kill(os.getpid(), signal.SIGKILL)

    def kill_in_batch() -> bool:
        nonlocal batches
        batches += 1
        if batches == request.get("batch"):
            os.kill(os.getpid(), signal.SIGKILL)
        return False

    job = TrialJob(
        params=request["params"],
        settings=TrainSettings.model_validate(request["settings"]),
        sample=Sample(FolderData.model_validate(request["data"]), request["images"], seed=7),
        out=Path(request["out"]),
        resume_from=tuple(Path(folder) for folder in request["resume_from"]),
        device="cpu",
        checkpoint_every_s=0,
    )
    run_job(job, on_epoch=when_written(job.out, kill_after_epoch), stop=kill_in_batch)
