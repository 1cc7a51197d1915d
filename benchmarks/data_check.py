"""Measures `data check` and the preparation of `launch` on many small images.

    python benchmarks/data_check.py [IMAGES]

The images are 50,000 JPEG files of 32x32 pixels by default, with PNG masks of 20 classes. Each
stage is a process of its own, and its CPU seconds and its peak memory are compared with those of
the plainest loop that decodes all files. The result goes to results/data_check.json.
"""

import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from machine import keep
from PIL import Image

SIDE, CLASSES = 32, 20
SWEEP = """
name: many
data:
  dataset: folder
  root: data
  image_size: [32, 32]
  cache_dir: {cache}
  classes: [{classes}]
training: {{model: simple_fcn, width: 4, epochs: 1, batch_size: 256}}
space: {{lr: [1e-2, 1e-3]}}
storage: {{runs: runs, url: "sqlite:///sweep.sqlite"}}
"""


def draw(count):
    """Write so many pairs, each of other pixels."""
    for name in ("images", "masks"):
        Path("data", name).mkdir(parents=True)
    for index in range(count):
        draws = np.random.default_rng(index)
        blocks = draws.integers(0, 255, (8, 8, 3), dtype=np.uint8)
        ids = draws.integers(0, CLASSES, (2, 2), dtype=np.uint8)
        picture = Image.fromarray(blocks).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
        picture.save(f"data/images/{index:06}.jpg")
        Image.fromarray(ids.repeat(SIDE // 2, 0).repeat(SIDE // 2, 1)).save(
            f"data/masks/{index:06}.png"
        )
    classes = ", ".join(f"c{number}" for number in range(CLASSES))
    for cache in ("check", "launch"):
        Path(f"{cache}.yaml").write_text(SWEEP.format(cache=cache, classes=classes))


def loop():
    """Decode every pair, and count the pixels of each class."""
    pixels = np.zeros(CLASSES, dtype=np.int64)
    for path in sorted(Path("data/images").iterdir()):
        np.asarray(Image.open(path).convert("RGB"))
        mask = np.asarray(Image.open(f"data/masks/{path.stem}.png"))
        pixels += np.bincount(mask.ravel(), minlength=CLASSES)


def check():
    """Run `searchctl data check`."""
    from searchctl.orchestrator.cli.main import cli

    cli(["data", "check", "check.yaml"], standalone_mode=False)


def launch():
    """Prepare a sweep as `searchctl launch --inline` does, up to its first job."""
    from searchctl.orchestrator.config.load import load_sweep
    from searchctl.orchestrator.run.preparation.prepare import prepare

    path = Path("launch.yaml")
    prepare(load_sweep(path), "sqlite:///sweep.sqlite", path, inline=True)


STAGES = {
    "plain loop": loop,
    "data check": check,
    "data check again": check,
    "launch": launch,
}


def measured(stage):
    """Run a stage in a process of its own; return its seconds and its memory."""
    started = time.perf_counter()
    child = os.fork()
    if child == 0:
        try:
            STAGES[stage]()
        except BaseException as error:  # the child must not run the rest of the parent
            print(repr(error), file=sys.stderr)
            os._exit(1)
        os._exit(0)
    _, status, used = os.wait4(child, 0)
    assert status == 0, f"{stage} failed"
    result = {
        "cpu_seconds": round(used.ru_utime + used.ru_stime, 1),
        "seconds": round(time.perf_counter() - started, 1),
        "peak_mb": used.ru_maxrss * 1024 // 1_000_000,
    }
    print(stage, result, flush=True)
    return result


def main(count):
    """Measure all stages, print the result and store it."""
    with tempfile.TemporaryDirectory() as place:
        os.chdir(place)
        draw(count)
        stages = {stage: measured(stage) for stage in STAGES}
        os.chdir("/")
    plain = stages["plain loop"]["cpu_seconds"]
    for stage in stages.values():
        stage["times_the_loop"] = round(stage["cpu_seconds"] / plain, 1)
    keep(
        "data_check",
        {
            "what": "CPU seconds and peak memory of checking and preparing a folder of small "
            "images, against the plainest loop that decodes them",
            "setup": {"images": count, "side": SIDE, "classes": CLASSES},
            "stages": stages,
        },
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 50_000)
