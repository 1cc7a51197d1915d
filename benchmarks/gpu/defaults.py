"""Measures what a card's defaults are worth: training without each, validation by its batch."""

import statistics
import time
from functools import partial

import torch
from speed import network_job, our_epoch, seconds_of

from searchctl.trainer.data.evaluation_batches import EvaluationBatches
from searchctl.trainer.evaluation.evaluate import evaluate
from searchctl.trainer.run.preparation import prepare
from searchctl.trainer.run.torch_state import own_torch_state

WITHOUT = {
    "the defaults": {},
    "fused: false": {"fused": False},
    "cudnn_benchmark: false": {"cudnn_benchmark": False},
    "channels_last: false": {"channels_last": False},
    "precision: fp32": {"precision": "fp32"},
    "precision: fp32, tf32: false": {"precision": "fp32", "tf32": False},
    "augment: flip_crop": {"augment": "flip_crop"},
    "augment: flip_crop, loader_workers: 0": {"augment": "flip_crop", "loader_workers": 0},
}
FACTORS = (1, 2, 4)
"""Images of a batch of validation to one of training."""


def defaults(setup):
    """Train U-Net with other settings in turn, and validate it with several sizes of batches."""
    batch = 2 if setup.tiny else 4
    jobs = {
        name: prepare(network_job(setup, "unet", batch, batches=8, **changed), setup.device)
        for name, changed in WITHOUT.items()
    }
    rates = _rates(setup, jobs)
    first = rates["the defaults"]
    return {
        "batch": batch,
        "images_per_second": {name: round(rate, 1) for name, rate in rates.items()},
        "to_the_defaults": {name: round(rate / first, 3) for name, rate in rates.items()},
        "validation": _validation(setup, jobs["the defaults"], batch),
    }


def _rates(setup, jobs):
    """Return the images per second of each job, whose epochs alternate."""
    times = {name: [] for name in jobs}
    end = time.perf_counter() + setup.seconds
    while time.perf_counter() < end or not times["the defaults"][1:]:
        for name, prepared in jobs.items():
            with own_torch_state(prepared.settings, setup.device):
                epoch = partial(our_epoch(prepared), len(times[name]) + 1)
                times[name].append(seconds_of(setup, epoch))
    # the first epoch of each warms up
    return {
        name: len(prepared.images.names) / statistics.median(times[name][1:])
        for name, prepared in jobs.items()
    }


def _validation(setup, prepared, batch):
    """Return images per second, and the peak of memory, by the size of the batches."""
    found = {}
    for factor in FACTORS:
        batches = EvaluationBatches(
            prepared.validation, factor * batch, setup.device, keep=setup.on_gpu
        )
        validate = partial(
            evaluate,
            prepared.training.scored_model,
            prepared.validation,
            prepared.precision,
            batch_size=factor * batch,
            stop=lambda: False,
            batches=batches,
        )
        validate()  # warms up, and keeps the images on the card
        if setup.on_gpu:
            torch.cuda.reset_peak_memory_stats(setup.device)
        seconds = seconds_of(setup, validate)
        found[f"batches of {factor} times the training's"] = {
            "images_per_second": round(len(prepared.validation.names) / seconds, 1),
            "peak_gib": _peak_gib(setup),
        }
    return found


def _peak_gib(setup):
    if not setup.on_gpu:
        return "not measured"
    return round(torch.cuda.max_memory_allocated(setup.device) / 2**30, 2)
