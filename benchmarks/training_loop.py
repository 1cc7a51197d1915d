"""Compares the speed of our training loop with a bare PyTorch loop of the same network.

    python benchmarks/training_loop.py

Both train in one process, on one thread and the same images in memory. They alternate epoch by
epoch, so that other load on the machine affects both alike. The bare loop is minimal: images are
normalised beforehand, the loss is torch's cross entropy, and its value is never read. Prints the
median ratio per network (1 means that our loop costs nothing) and writes it to
results/training_loop.json.
"""

import statistics
import time

import numpy as np
import torch
import torch.nn.functional as F
from machine import keep

from searchctl.trainer.data.loader import TrainingBatches, load_sample
from searchctl.trainer.data.settings import Sample, ScenesData
from searchctl.trainer.losses.build import build_loss
from searchctl.trainer.models.build import build_model
from searchctl.trainer.models.finetune import training_mode
from searchctl.trainer.run.loop import train_epoch
from searchctl.trainer.run.precision import Precision
from searchctl.trainer.run.training import begin_training
from searchctl.trainer.settings.training import TrainSettings

IMAGES, HEIGHT, WIDTH, BATCH, REPEATS = 32, 90, 120, 16, 15
NETWORKS = {
    "simple_fcn, width 64": TrainSettings(model="simple_fcn", width=64, batch_size=BATCH),
    "unet, width 16": TrainSettings(model="unet", width=16, batch_size=BATCH),
}
DATA = ScenesData(dataset="scenes", image_size=(HEIGHT, WIDTH), train=IMAGES)
CPU = torch.device("cpu")


def our_epoch(settings, split):
    """Return a function that trains one epoch with the trainer's own loop."""
    batches = TrainingBatches(split, batch_size=BATCH, augment=settings.augment, seed=0, workers=0)
    ignore_index, classes = split.dataset.ignore_index, len(split.dataset.class_names)
    pixel_counts = torch.from_numpy(split.class_pixels)
    loss = build_loss(settings, ignore_index=ignore_index, pixel_counts=pixel_counts)
    precision = Precision(settings, CPU)
    model = precision.place(build_model(settings, classes))
    training = begin_training(model, settings, steps=len(batches), higher_is_better=True)

    def epoch(number):
        training_mode(model, settings.finetune)
        train_epoch(training, batches, number, loss, settings, precision, lambda: False)

    return epoch


def bare_epoch(settings, split):
    """Return a function that trains one epoch with nothing but PyTorch."""
    uint8 = torch.from_numpy(np.asarray(split.images)).permute(0, 3, 1, 2)
    images = Precision(settings, CPU).normalise(uint8).contiguous()
    labels = torch.from_numpy(np.asarray(split.labels)).long()
    model = build_model(settings, len(split.dataset.class_names)).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=settings.lr, weight_decay=0.0)

    def epoch(number):
        order = torch.randperm(len(images), generator=torch.Generator().manual_seed(number))
        for chosen in order.split(BATCH):
            logits = model(images[chosen])
            loss = F.cross_entropy(logits, labels[chosen], ignore_index=split.dataset.ignore_index)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    return epoch


def images_per_second(epoch, number):
    """Time one epoch."""
    started = time.perf_counter()
    epoch(number)
    return IMAGES / (time.perf_counter() - started)


def compare(settings, split):
    """Alternate both loops, in an order that changes each time, and return the medians."""
    loops = {"ours": our_epoch(settings, split), "bare": bare_epoch(settings, split)}
    speeds = {name: [] for name in loops}
    for repeat in range(REPEATS + 1):
        for name in sorted(loops, reverse=repeat % 2 == 0):
            speed = images_per_second(loops[name], repeat + 1)
            if repeat > 0:  # the first epoch of each warms up
                speeds[name].append(speed)
    ratios = [ours / bare for ours, bare in zip(speeds["ours"], speeds["bare"], strict=True)]
    return {
        "median_ratio": round(statistics.median(ratios), 3),
        "ratio_of_the_fastest": round(max(speeds["ours"]) / max(speeds["bare"]), 3),
        "ratios": [round(ratio, 3) for ratio in sorted(ratios)],
        "images_per_second": {
            name: round(statistics.median(values), 1) for name, values in speeds.items()
        },
    }


def main():
    """Compare every network, print the result and store it."""
    torch.set_num_threads(1)  # several threads would wait for each other when the machine is busy
    split = load_sample(Sample(DATA, IMAGES, seed=0))
    keep(
        "training_loop",
        {
            "what": "images per second of one training epoch, our loop to a bare loop, one thread",
            "setup": {"images": IMAGES, "size": [HEIGHT, WIDTH], "batch": BATCH},
            "repeats": REPEATS,
            "networks": {name: compare(settings, split) for name, settings in NETWORKS.items()},
        },
    )


if __name__ == "__main__":
    main()
