"""How many threads load and augment images, by `loader_workers`."""

import torch

from searchctl.trainer.core.machine.cpus import own_cpus
from searchctl.trainer.settings.training import TrainSettings

MOST_THREADS = 8
"""Threads of `loader_workers: auto` at most, as each holds a batch in memory."""


def loader_threads(settings: TrainSettings, device: torch.device, processes: int = 1) -> int:
    """Return the threads that load images in each process of a job; 0: they are loaded in between.

    On a CPU `auto` starts none: they would only take turns with the training.

    Args:
        settings: `loader_workers`, and `threads`, which are the CPUs of the trial in a sweep.
        device: where the network is trained.
        processes: number of processes of the job, which share its CPUs.
    """
    if settings.loader_workers != "auto":
        return settings.loader_workers
    if device.type == "cpu":
        return 0
    threads = (settings.threads or own_cpus()) // processes
    return min(max(1, threads), MOST_THREADS)
