"""The sweeps that are killed, on 40 real images of CamVid: half a minute each on two cores.

The eight trials of one cohort use everything that has a state which a resume must put back: each
optimizer, LR schedules by step, epoch and score, dropout, augmentation in loader threads, early
stopping, and a loss that becomes NaN. The other sweep has three cohorts, two of them open at the
same time, and is extended at its end; a model draws the third cohort and the extension.
"""

from pathlib import Path
from string import Template
from typing import Literal

NAME = "chaos"
EXTENSION = 3
"""Number of trials that the sweep of cohorts is extended by."""
Kind = Literal["retrain", "warm", "cohorts"]
"""Which sweep: one cohort whose trials have fresh weights at each rung, one whose trials continue
from the rung below, or several cohorts."""
EPOCHS: dict[Kind, int] = {"retrain": 8, "warm": 8, "cohorts": 3}
"""Epochs of a job of each sweep."""
_EVERY = {"train": 9, "val": 10, "test": 23}

_SWEEP = Template("""\
name: $name
seed: 5
data: {dataset: camvid, root: $data, image_size: [45, 60], cache_dir: $cache}
training: {epochs: $epochs, batch_size: 4, dropout: 0.1, augment: scale_crop_jitter}
$search
resources: {max_attempts: 1000, address: $address}
storage: {runs: $runs}
""")

_ONE_COHORT = """\
space:
  points:
    - {model: simple_fcn, width: 8, loader_workers: 1, lr: 1e-2, lr_schedule: plateau,
       lr_patience: 1, lr_decay: 0.5, patience: 3}
    - {model: simple_fcn, width: 8, optimizer: sgd, lr: 3e-2, lr_schedule: poly}
    - {model: unet, width: 4, augment: flip_crop, lr: 1e-2, lr_schedule: one_cycle}
    - {model: unet, width: 4, optimizer: sgd, lr: 1e30}  # diverges
  loss: [cross_entropy, dice]
halving: {finalists: 2, continue: %s}
"""
_COHORTS = """\
space:
  width: [4, 8]
  lr: {low: 1e-3, high: 1e-1, log: true}
search: {method: tpe, trials: [8, 3, 3], known: [{width: 8, lr: 1e-2}]}
halving: {finalists: 1, fractions: [1/4, 1], repeats: 2}
"""
_SEARCHES: dict[Kind, str] = {
    "retrain": _ONE_COHORT % "retrain",
    "warm": _ONE_COHORT % "warm",
    "cohorts": _COHORTS,
}


def commands(kind: Kind) -> list[list[str]]:
    """Return the commands that start each part of a sweep, without the options of all."""
    extend = ["extend", NAME, "--trials", str(EXTENSION)]
    return [["launch", "sweep.yaml"], *[extend] * (kind == "cohorts")]


def link_camvid(camvid: Path, folder: Path) -> Path:
    """Make a directory that holds a part of CamVid, by lists of its own and links to the rest."""
    folder.mkdir()
    for split, step in _EVERY.items():
        lines = (camvid / f"{split}.txt").read_text().splitlines()[::step]
        (folder / f"{split}.txt").write_text("\n".join(lines) + "\n")
        for name in (split, f"{split}annot"):
            (folder / name).symlink_to(camvid.resolve() / name)
    return folder


def write_sweep(folder: Path, *, data: Path, kind: Kind, address: str | None) -> Path:
    """Write sweep.yaml into a new directory, whose files go there too; return its path.

    Args:
        folder: directory to make.
        data: what `link_camvid` made.
        kind: which sweep.
        address: Ray cluster to run on; None for one of the driver's own.
    """
    folder.mkdir()
    path = folder / "sweep.yaml"
    what = {"epochs": EPOCHS[kind], "search": _SEARCHES[kind]}
    where = {
        "data": data,
        "runs": folder / "runs",
        "cache": folder / "cache",
        "address": address or "null",
    }
    path.write_text(_SWEEP.substitute(name=NAME, **what, **where))
    return path
