"""The table of contents of what can be named in a sweep.yaml: name -> "module:object".

A visible dict for each kind, so that names are checked without importing torch. To add a model, a
loss, an optimizer, an LR schedule, an augmentation or a data set: write its file, add its line.
"""

import difflib
from collections.abc import Iterable
from importlib import import_module
from typing import Any

MODELS = {
    "simple_fcn": "trainer.models.simple_fcn:SimpleFCN",
    "unet": "trainer.models.unet:UNet",
}

LOSSES = {
    "cross_entropy": "trainer.losses.cross_entropy:CrossEntropy",
    "weighted_cross_entropy": "trainer.losses.cross_entropy:WeightedCrossEntropy",
    "dice": "trainer.losses.overlap:Dice",
    "jaccard": "trainer.losses.overlap:Jaccard",
    "focal": "trainer.losses.focal:Focal",
}

OPTIMIZERS = {
    "adamw": "trainer.optimizers:adamw",
    "adam": "trainer.optimizers:adam",
    "sgd": "trainer.optimizers:sgd",
}

LR_SCHEDULES = {
    "constant": "trainer.lr_schedules:constant",
    "step": "trainer.lr_schedules:step",
    "plateau": "trainer.lr_schedules:plateau",
    "one_cycle": "trainer.lr_schedules:one_cycle",
    "poly": "trainer.lr_schedules:poly",
    "cosine": "trainer.lr_schedules:cosine",
}

AUGMENTATIONS = {
    "none": "trainer.transforms:none",
    "flips": "trainer.transforms:flips",
    "flip_crop": "trainer.transforms:flip_crop",
    "scale_crop_jitter": "trainer.transforms:scale_crop_jitter",
}

DATASETS = {
    "scenes": "trainer.datasets.scenes:Scenes",
    "camvid": "trainer.datasets.camvid:Camvid",
    "folder": "trainer.datasets.folder:Folder",
}


def load(catalog: dict[str, str], name: str) -> Any:
    """Import and return the object that a catalog lists under `name`.

    Raises:
        KeyError: the catalog has no such name.
    """
    module, _, attribute = catalog[name].partition(":")
    return getattr(import_module(module), attribute)


def unknown(kind: str, name: str, known: Iterable[str]) -> str:
    """Say that `name` is not a known `kind`, what was probably meant, and what there is.

    >>> unknown("model", "unett", ["simple_fcn", "unet"])
    "unknown model 'unett': did you mean 'unet'? (simple_fcn, unet)"
    """
    names = list(known)
    close = difflib.get_close_matches(name, names, n=1)
    hint = f"did you mean '{close[0]}'? " if close else "known are "
    return f"unknown {kind} '{name}': {hint}({', '.join(names)})"
