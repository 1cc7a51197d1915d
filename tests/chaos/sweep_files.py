"""The sweep that is killed: eight trials on 40 real images of CamVid, half a minute on two cores.

Between them its trials use everything that has a state which a resume must put back: each
optimizer, LR schedules by step, epoch and score, dropout, augmentation in loader threads, early
stopping, and a loss that becomes NaN.
"""

from pathlib import Path
from string import Template

NAME = "chaos"
EPOCHS = 8
_EVERY = {"train": 9, "val": 10, "test": 23}

_SWEEP = Template("""\
name: $name
seed: 5
data: {dataset: camvid, root: $data, image_size: [45, 60], cache_dir: $cache}
training: {epochs: $epochs, batch_size: 4, dropout: 0.1, augment: scale_crop_jitter}
space:
  points:
    - {model: simple_fcn, width: 8, loader_workers: 1, lr: 1e-2, lr_schedule: plateau,
       lr_patience: 1, lr_decay: 0.5, patience: 3}
    - {model: simple_fcn, width: 8, optimizer: sgd, lr: 3e-2, lr_schedule: poly}
    - {model: unet, width: 4, augment: flip_crop, lr: 1e-2, lr_schedule: one_cycle}
    - {model: unet, width: 4, optimizer: sgd, lr: 1e30}  # diverges
  loss: [cross_entropy, dice]
halving: {finalists: 2, continue: $how}
resources: {max_attempts: 1000, address: $address}
storage: {runs: $runs}
""")


def link_camvid(camvid: Path, folder: Path) -> Path:
    """Make a directory that holds a part of CamVid, by lists of its own and links to the rest."""
    folder.mkdir()
    for split, step in _EVERY.items():
        lines = (camvid / f"{split}.txt").read_text().splitlines()[::step]
        (folder / f"{split}.txt").write_text("\n".join(lines) + "\n")
        for name in (split, f"{split}annot"):
            (folder / name).symlink_to(camvid.resolve() / name)
    return folder


def write_sweep(folder: Path, *, data: Path, how: str, address: str | None) -> Path:
    """Write sweep.yaml into a new directory, whose files go there too; return its path.

    Args:
        folder: directory to make.
        data: what `link_camvid` made.
        how: 'retrain' or 'warm': initial weights of a trial at the next rung.
        address: Ray cluster to run on; None for one of the driver's own.
    """
    folder.mkdir()
    path = folder / "sweep.yaml"
    where = {
        "data": data,
        "runs": folder / "runs",
        "cache": folder / "cache",
        "address": address or "null",
    }
    path.write_text(_SWEEP.substitute(name=NAME, epochs=EPOCHS, how=how, **where))
    return path
