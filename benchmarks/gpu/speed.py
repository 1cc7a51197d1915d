"""Measures a card's speed: of trainings, and what validation, checkpoints and loading cost."""

import statistics
import time
from functools import partial

import numpy as np
import torch
import torch.nn.functional as F
from bench_jobs import job
from cards import NOT_KNOWN, peak_tflops
from torch.utils.flop_counter import FlopCounterMode

from searchctl.trainer import Sample
from searchctl.trainer.core.machine.cpus import own_cpus
from searchctl.trainer.data.loader import TrainingBatches, load_sample
from searchctl.trainer.data.settings import ScenesData
from searchctl.trainer.evaluation.scoring import score_validation
from searchctl.trainer.models.build import build_model
from searchctl.trainer.models.finetune import training_mode
from searchctl.trainer.run.checkpoints.file import Checkpoint, write_checkpoint
from searchctl.trainer.run.checkpoints.writer import copied
from searchctl.trainer.run.loop import train_epoch
from searchctl.trainer.run.precision import Precision
from searchctl.trainer.run.preparation import prepare

NETWORKS = ("unet", "deeplabv3", "upernet")
PRESETS = ("none", "flips", "flip_crop", "scale_crop_jitter")


def speed(setup):
    """Compare images per second with a plain PyTorch loop, network by network."""
    found = {}
    for name in NETWORKS:
        try:
            found[name] = _compared(setup, name, setup.seconds / (len(NETWORKS) + 1))
        except ModuleNotFoundError as error:
            found[name] = f"not measured: {error}"
    return {"size": _side(setup), **found}


def _compared(setup, network, seconds):
    """Measure one network at the largest batch of 8, 4 and 2 images that fits."""
    for batch in (2,) if setup.tiny else (8, 4, 2):
        try:
            return _measured(setup, network, batch, seconds)
        except torch.OutOfMemoryError as error:
            too_large = error
            torch.cuda.empty_cache()
    raise too_large


def _measured(setup, network, batch, seconds):
    prepared = prepare(network_job(setup, network, batch), setup.device)
    split, settings = prepared.images, prepared.settings
    images = len(split.names)
    loops = {"ours": our_epoch(prepared), "plain": _plain_epoch(setup, settings, split)}
    flop = _flop_of_an_image(setup, settings, split)
    times = {name: [] for name in loops}
    for epoch in loops.values():
        seconds_of(setup, partial(epoch, 1))  # warms up
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or not times["plain"]:
        number = len(times["plain"]) + 2
        for name in sorted(loops, reverse=number % 2 == 0):
            times[name].append(seconds_of(setup, partial(loops[name], number)))
    ratios = [plain / ours for ours, plain in zip(times["ours"], times["plain"], strict=True)]
    rates = {name: images / statistics.median(taken) for name, taken in times.items()}
    tflops = flop * rates["ours"] / 1e12
    return {
        "batch": batch,
        "epochs": len(ratios),
        "images_per_second": {name: round(rate, 1) for name, rate in rates.items()},
        "ours_to_plain": round(statistics.median(ratios), 3),
        "gflop_of_an_image": round(flop / 1e9, 1),
        "tflops": round(tflops, 2),
        "share_of_bf16_peak": _share_of_peak(setup, tflops),
    }


def _share_of_peak(setup, tflops):
    named = torch.cuda.get_device_name(setup.device) if setup.on_gpu else "cpu"
    peak = setup.peak_tflops or peak_tflops(named)
    return round(tflops / peak, 4) if peak else NOT_KNOWN


def _side(setup):
    return 64 if setup.tiny else 512


def network_job(setup, network, batch, *, batches=16, **changed):
    """Return a job of a network of usual size; `changed` are other settings."""
    side = _side(setup)
    images = batch * (1 if setup.tiny else batches)
    data = ScenesData(
        dataset="scenes",
        image_size=(side, side),
        native_size=(side, side),
        train=images,
        val=batch * (1 if setup.tiny else 4),
    )
    settings = {"model": network, "width": None, "epochs": 1, "batch_size": batch}
    if setup.tiny:
        encoders = {"deeplabv3": "resnet18", "upernet": "convnext_atto"}
        settings |= {"width": 16, "encoder": encoders.get(network)}
    return job(setup, sample=Sample(data, images, seed=0), **settings, **changed)


def our_epoch(prepared):
    """Return a function that trains one epoch with the trainer's loop."""

    def epoch(number):
        training_mode(prepared.training.model, prepared.settings.finetune)
        train_epoch(
            prepared.training,
            prepared.batches,
            number,
            prepared.loss,
            prepared.settings,
            prepared.precision,
            lambda: False,
        )

    return epoch


def _plain_epoch(setup, settings, split):
    """Return a function that trains one epoch with PyTorch alone, all images on the device."""
    step = _plain_step(setup, settings, split)

    def epoch(number):
        order = torch.randperm(len(split.names), generator=torch.Generator().manual_seed(number))
        for chosen in order.split(settings.batch_size):
            step(chosen.to(setup.device))

    return epoch


def _plain_step(setup, settings, split):
    precision = Precision(settings, setup.device)
    uint8 = torch.from_numpy(np.asarray(split.images)).permute(0, 3, 1, 2)
    images = precision.normalise(uint8).contiguous(memory_format=precision.memory_format)
    labels = torch.from_numpy(np.asarray(split.labels)).long().to(setup.device)
    model = precision.place(build_model(settings, len(split.dataset.class_names))).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=settings.lr, fused=setup.on_gpu)
    ignored = split.dataset.ignore_index

    def step(chosen):
        with torch.autocast(setup.device.type, torch.bfloat16, enabled=precision.bf16):
            given = images[chosen].contiguous(memory_format=precision.memory_format)
            all_logits = model.all_logits(given)
        given = labels[chosen]
        loss = sum(
            F.cross_entropy(each.float(), given, ignore_index=ignored) for each in all_logits
        )
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return step


def _flop_of_an_image(setup, settings, split):
    """Count the operations of a training step: convolutions and products of matrices."""
    step = _plain_step(setup, settings, split)
    with FlopCounterMode(display=False) as counter:
        step(torch.arange(settings.batch_size, device=setup.device))
    return counter.get_total_flops() / settings.batch_size


def seconds_of(setup, action):
    """Return the seconds of an action and of all that the card does for it."""
    if setup.on_gpu:
        torch.cuda.synchronize(setup.device)
    started = time.perf_counter()
    action()
    if setup.on_gpu:
        torch.cuda.synchronize(setup.device)
    return time.perf_counter() - started


def shares(setup):
    """Measure an epoch's parts for U-Net: training, validation, a checkpoint."""
    prepared = prepare(network_job(setup, "unet", 2 if setup.tiny else 8), setup.device)
    folder = job(setup).out
    epoch = our_epoch(prepared)

    def state():
        return copied(Checkpoint(prepared.identity, 1, 0.0, prepared.training.state_dict()))

    parts = {
        "training": partial(epoch, 1),
        "validation": lambda: score_validation(prepared, lambda: False),
        "copy of the checkpoint": state,
        "checkpoint, in a thread": lambda: write_checkpoint(folder, state()),
    }
    times = {name: [] for name in parts}
    for repeat in range(3):
        for name, part in parts.items():
            taken = seconds_of(setup, part)
            if repeat:  # the first one warms up
                times[name].append(taken)
    seconds = {name: min(taken) for name, taken in times.items()}
    whole = sum(seconds.values()) - seconds["checkpoint, in a thread"]
    return {
        "images": {"train": len(prepared.images.names), "val": len(prepared.validation.names)},
        "seconds": {name: round(taken, 4) for name, taken in seconds.items()},
        "share_of_validation": round(seconds["validation"] / whole, 3),
        "share_of_a_checkpoint_after_each_epoch": round(
            seconds["copy of the checkpoint"] / whole, 3
        ),
    }


def augmentation(setup):
    """Measure how many images a second all CPUs augment: a faster network would wait for them."""
    split = load_sample(network_job(setup, "unet", 8).sample)
    found = {}
    for preset in PRESETS:
        batches = TrainingBatches(split, batch_size=8, augment=preset, seed=0, workers=own_cpus())
        try:
            list(batches.epoch(1))
        except ModuleNotFoundError as error:
            found[preset] = f"not measured: {error}"
            continue
        started, images = time.perf_counter(), 0
        while not images or time.perf_counter() < started + (0.1 if setup.tiny else 2):
            images += sum(len(labels) for _, labels in batches.epoch(2))
        found[preset] = round(images / (time.perf_counter() - started), 1)
    return {"size": _side(setup), "cpus": own_cpus(), "images_per_second": found}
