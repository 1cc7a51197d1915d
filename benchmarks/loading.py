"""Compares the speed of loading an epoch of CamVid with a DataLoader that decodes files.

    python benchmarks/loading.py PATH/TO/CAMVID

Both load batches of 8 of the 367 training images at 360x480, mirrored and cropped at random, with
two workers. Ours are threads that crop from the decoded cache. Theirs are processes that open JPEG
and PNG files with Pillow and augment them with albumentations. Each epoch is consumed as fast as
possible. Our first epoch includes building the cache. Then both alternate epoch by epoch, so that
other load on the machine affects both alike. The result goes to results/loading.json.
"""

import statistics
import sys
import tempfile
import time
from pathlib import Path

import albumentations as A
import cv2
import numpy as np
import torch
from machine import keep
from PIL import Image
from torch.utils.data import DataLoader, Dataset

from searchctl.trainer.data.cache.name import Need
from searchctl.trainer.data.cache.store import Cache
from searchctl.trainer.data.loader import TrainingBatches
from searchctl.trainer.data.opening import build_dataset
from searchctl.trainer.data.samples import load_sample
from searchctl.trainer.data.settings import CamvidData, Sample

HEIGHT, WIDTH, BATCH, WORKERS, REPEATS = 360, 480, 8, 2, 7


def ours(data):
    """Build the cache, and return a function that loads one epoch from it."""
    dataset = build_dataset(data)
    Cache(data, dataset).build([Need("train", "exact"), Need("train", "source")])
    images = len(dataset.names("train"))
    batches = TrainingBatches(
        load_sample(Sample(data, images, seed=0)),
        batch_size=BATCH,
        augment="flip_crop",
        seed=0,
        workers=WORKERS,
    )
    return lambda epoch: sum(len(labels) for _, labels in batches.epoch(epoch))


class Files(Dataset):
    """The same images, loaded in the usual way."""

    def __init__(self, data):
        self.pairs = build_dataset(data).pairs("train")
        self.change = A.Compose(
            [
                A.HorizontalFlip(p=0.5),
                A.RandomResizedCrop(
                    (HEIGHT, WIDTH), scale=(0.5, 1.0), mask_interpolation=cv2.INTER_NEAREST
                ),
            ]
        )

    def __len__(self):
        return len(self.pairs)

    def __getitem__(self, index):
        pair = self.pairs[index]
        image = np.asarray(Image.open(pair.image).convert("RGB"))
        changed = self.change(image=image, mask=np.asarray(Image.open(pair.mask)))
        image = torch.from_numpy(changed["image"]).permute(2, 0, 1).contiguous()
        return image, torch.from_numpy(changed["mask"])


def theirs(data):
    """Return a function that loads one epoch by torch, Pillow and albumentations."""
    loader = DataLoader(
        Files(data),
        batch_size=BATCH,
        shuffle=True,
        num_workers=WORKERS,
        persistent_workers=True,
        generator=torch.Generator().manual_seed(0),
    )
    return lambda epoch: sum(len(labels) for _, labels in loader)


def images_per_second(load, epoch):
    """Time one epoch."""
    started = time.perf_counter()
    images = load(epoch)
    return images / (time.perf_counter() - started)


def main(camvid):
    """Compare both, print the result and store it."""
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as cache:
        data = CamvidData(
            dataset="camvid", root=camvid, image_size=(HEIGHT, WIDTH), cache_dir=Path(cache)
        )
        files = theirs(data)
        images_per_second(files, 0)  # starts the workers, and loads the files into the page cache
        started = time.perf_counter()
        cached = ours(data)
        built = time.perf_counter() - started
        first = cached(1)
        first_speed = first / (time.perf_counter() - started)
        speeds = {"ours": [], "theirs": []}
        loads = {"ours": cached, "theirs": files}
        for repeat in range(REPEATS):
            for name in sorted(loads, reverse=repeat % 2 == 0):
                speeds[name].append(images_per_second(loads[name], repeat + 2))
        on_disk = sum(file.stat().st_size for file in Path(cache).glob("*/*"))
    ratios = [a / b for a, b in zip(speeds["ours"], speeds["theirs"], strict=True)]
    median = {name: statistics.median(values) for name, values in speeds.items()}
    keep(
        "loading",
        {
            "what": "images per second of loading an epoch: the decoded cache and threads against "
            "torch's DataLoader, Pillow and albumentations",
            "setup": {
                "images": first,
                "size": [HEIGHT, WIDTH],
                "batch": BATCH,
                "workers": WORKERS,
                "augmentation": "flip_crop",
            },
            "repeats": REPEATS,
            "images_per_second": {
                "ours, first epoch with the cache being built": round(first_speed, 1),
                "ours, later epochs": round(median["ours"], 1),
                "theirs": round(median["theirs"], 1),
            },
            "ratio_of_the_first_epoch": round(first_speed / median["theirs"], 2),
            "median_ratio_of_later_epochs": round(statistics.median(ratios), 2),
            "ratios_of_later_epochs": [round(ratio, 2) for ratio in sorted(ratios)],
            "seconds_to_build_the_cache": round(built, 2),
            "cache_mb": round(on_disk / 1e6),
        },
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
