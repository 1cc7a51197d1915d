"""Measures the training speed of each network of a sweep, in images per second on one thread.

    python benchmarks/networks.py examples/camvid-networks.yaml DATA_ROOT

The networks train one epoch each in turn, several times, so that other load on the machine affects
all alike; the median counts. Trials with the same network are timed once. The speed, and its ratio
to the fastest, go to results/NAME-speed.json.
"""

import statistics
import sys
import time
from pathlib import Path

import torch
from machine import keep

from searchctl.orchestrator import load_sweep
from searchctl.trainer.data.loader import TrainingBatches, load_sample
from searchctl.trainer.data.settings import Sample
from searchctl.trainer.losses.build import build_loss
from searchctl.trainer.models.build import build_model
from searchctl.trainer.models.finetune import training_mode
from searchctl.trainer.run.loop import train_epoch
from searchctl.trainer.run.precision import Precision
from searchctl.trainer.run.training import begin_training
from searchctl.trainer.settings.options.model_options import OPTIONS

IMAGES, REPEATS = 24, 7
CPU = torch.device("cpu")


def main(path, data_root):
    """Time every distinct network of a sweep."""
    torch.set_num_threads(1)
    sweep = load_sweep(path, data_root=Path(data_root))
    split = load_sample(Sample(sweep.data, IMAGES, sweep.seed))
    epochs = {name: prepared(settings, split) for name, settings in networks(sweep).items()}
    seconds = {name: [] for name in epochs}
    for _ in range(REPEATS):
        for name, epoch in epochs.items():
            started = time.perf_counter()
            epoch()
            seconds[name].append(time.perf_counter() - started)
    speeds = {name: IMAGES / statistics.median(each) for name, each in seconds.items()}
    fastest = max(speeds.values())
    rows = {
        name: {"images_per_second": round(speed, 1), "to_the_fastest": round(speed / fastest, 3)}
        for name, speed in speeds.items()
    }
    keep(f"{sweep.name}-speed", {"image_size": sweep.data.image_size, "networks": rows})


def networks(sweep):
    """Return the settings of each distinct network by a readable name."""
    found = {}
    for params in sweep.trials():
        settings = sweep.training.with_params(params)
        named = {option: getattr(settings, option) for option in OPTIONS}
        options = [f"{option} {value}" for option, value in named.items() if value is not None]
        found.setdefault(", ".join([settings.model, *options]), settings)
    return found


def prepared(settings, split):
    """Return a function that trains one more epoch."""
    batches = TrainingBatches(
        split, batch_size=settings.batch_size, augment="none", seed=0, workers=0
    )
    classes = len(split.dataset.class_names)
    pixel_counts = torch.from_numpy(split.class_pixels)
    ignore_index = split.dataset.ignore_index
    loss = build_loss(settings, ignore_index=ignore_index, pixel_counts=pixel_counts)
    precision = Precision(settings, CPU)
    model = precision.place(build_model(settings, classes))
    training = begin_training(model, settings, steps=len(batches), higher_is_better=True)

    def epoch():
        training_mode(model, settings.finetune)
        train_epoch(training, batches, 1, loss, settings, precision, lambda: False)

    return epoch


if __name__ == "__main__":
    main(*sys.argv[1:])
