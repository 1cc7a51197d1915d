"""Compares ways to count an evaluation's pixels by class, as CPU time in one run.

    python benchmarks/evaluation.py

`before` selects the valid pixels and counts them by bincount, `now` is the trainer's own way, and
`none` counts nothing. They alternate, so that other load on the machine affects all alike. The
scores of both are compared. Evaluates two networks on synthetic scenes of CamVid's size, on one
thread. Writes results/evaluation.json.
"""

import statistics
import time

import torch
from machine import keep

from searchctl.trainer.data.loader import load_split
from searchctl.trainer.data.settings import ScenesData
from searchctl.trainer.evaluation import evaluate as evaluation
from searchctl.trainer.evaluation.metrics import confusion_per_image
from searchctl.trainer.models.build import build_model
from searchctl.trainer.run.precision import Precision
from searchctl.trainer.settings.training import TrainSettings

IMAGES, HEIGHT, WIDTH, BATCH, REPEATS = 16, 360, 480, 8, 7
NETWORKS = {
    "simple_fcn, width 16": TrainSettings(model="simple_fcn", width=16),
    "unet, width 8": TrainSettings(model="unet", width=8),
}
DATA = ScenesData(
    dataset="scenes", image_size=(HEIGHT, WIDTH), native_size=(HEIGHT, WIDTH), train=1, val=IMAGES
)


def before(predictions, labels, classes, ignore_index):
    """Count the valid pixels of each image, those that a mask selects."""
    labels = labels.long()
    image = torch.arange(len(labels)).view(-1, 1, 1)
    cell = (image * classes + labels) * classes + predictions
    counts = torch.bincount(cell[labels != ignore_index], minlength=len(labels) * classes * classes)
    return counts.view(-1, classes, classes)


def none(predictions, labels, classes, ignore_index):
    """Count one pixel, so that there is a score."""
    return torch.ones(len(labels), classes, classes, dtype=torch.int64)


WAYS = {"before": before, "now": confusion_per_image, "none": none}


def scored(way, model, split, precision):
    """Evaluate with one way of counting; return the CPU seconds and the scores."""
    evaluation.confusion_per_image = WAYS[way]
    started = time.process_time()
    result, _ = evaluation.evaluate(model, split, precision, batch_size=BATCH, stop=lambda: False)
    return time.process_time() - started, result


def compare(settings, split):
    """Evaluate a network in all ways, in turn."""
    torch.manual_seed(0)
    precision = Precision(settings, torch.device("cpu"))
    model = precision.place(build_model(settings, len(split.dataset.class_names)))
    times, scores = {way: [] for way in WAYS}, {}
    for repeat in range(REPEATS + 1):
        for way in WAYS:
            seconds, scores[way] = scored(way, model, split, precision)
            if repeat:  # the first one warms up
                times[way].append(seconds)
    assert scores["before"] == scores["now"], "the counts differ"
    ratios = [now / old for now, old in zip(times["now"], times["before"], strict=True)]
    return {
        "now_to_before": round(statistics.median(ratios), 3),
        "ratios": [round(ratio, 3) for ratio in sorted(ratios)],
        "cpu_seconds": {way: round(statistics.median(taken), 3) for way, taken in times.items()},
    }


def main():
    """Compare for each network, print the result and store it."""
    torch.set_num_threads(1)  # several threads would wait for each other when the machine is busy
    split = load_split(DATA, "val")
    keep(
        "evaluation",
        {
            "what": "CPU seconds of an evaluation by ways of counting pixels; equal scores",
            "setup": {"images": IMAGES, "size": [HEIGHT, WIDTH], "batch": BATCH},
            "repeats": REPEATS,
            "networks": {name: compare(settings, split) for name, settings in NETWORKS.items()},
        },
    )


if __name__ == "__main__":
    main()
