"""The table of contents of what can be named in a sweep.yaml: name -> where it is, and its options.

The catalogs are visible dicts, in the folders of the parts, and import without torch.
"""

from collections.abc import Mapping
from typing import Any

from searchctl.trainer.losses.catalog import LOSSES
from searchctl.trainer.models.catalog import CLASSIFIER, MODELS, SMP, SMP_DECODERS
from searchctl.trainer.optim.catalog import LR_SCHEDULES, OPTIMIZERS
from searchctl.trainer.settings.parts import Part, Parts
from searchctl.trainer.settings.source.own import own_part
from searchctl.trainer.settings.sums import sum_of

__all__ = [
    "MODELS",
    "SMP_DECODERS",
    "LOSSES",
    "OPTIMIZERS",
    "LR_SCHEDULES",
    "AUGMENTATIONS",
    "DATASETS",
    "RECIPE",
    "is_classifier",
    "load",
    "part_named",
]

AUGMENTATIONS = {
    "none": Part("searchctl.trainer.data.augment.presets:none"),
    "flips": Part("searchctl.trainer.data.augment.presets:flips"),
    "flip_crop": Part("searchctl.trainer.data.augment.presets:flip_crop"),
    "scale_crop_jitter": Part("searchctl.trainer.data.augment.presets:scale_crop_jitter"),
}

DATASETS = {
    "scenes": Part("searchctl.trainer.data.sets.scenes:Scenes"),
    "camvid": Part("searchctl.trainer.data.sets.published.camvid:Camvid"),
    "cityscapes": Part("searchctl.trainer.data.sets.published.cityscapes:Cityscapes"),
    "kitti_road": Part("searchctl.trainer.data.sets.published.kitti_road:KittiRoad"),
    "kitti_semantics": Part("searchctl.trainer.data.sets.published.kitti_semantics:KittiSemantics"),
    "landcover": Part("searchctl.trainer.data.sets.published.landcover:Landcover"),
    "oxford_pets": Part("searchctl.trainer.data.sets.published.oxford_pets:OxfordPets"),
    "sunrgbd": Part("searchctl.trainer.data.sets.published.sunrgbd:SunRgbd"),
    "folder": Part("searchctl.trainer.data.sets.folders.folder:Folder"),
    "image_folder": Part("searchctl.trainer.data.sets.folders.image_folder:ImageFolder"),
    "lists": Part("searchctl.trainer.data.sets.folders.lists:LineLists"),
}


OWN_DATASET = Part("searchctl.trainer.data.sets.own:OwnDataset")
"""A class of the user's own, named by import path."""

RECIPE: dict[str, Parts] = {
    "model": {**MODELS, "timm:NAME": CLASSIFIER, "smp:DECODER/ENCODER": SMP},
    "loss": LOSSES,
    "optimizer": OPTIMIZERS,
    "lr_schedule": LR_SCHEDULES,
    "augment": AUGMENTATIONS,
}
"""Setting that names a part of the recipe -> the parts that it may name."""
_PIPELINE = Part("searchctl.trainer.data.augment.building:built_pipeline")


def part_named(kind: str, name: str | Mapping[str, Any]) -> Part:
    """Return the part of a valid name: one of ours, of an installed package, or of the user's own.

    Args:
        kind: the setting that names it, such as `model`.
        name: its value: a name of the catalog or of an entry point, an import path, the weights of
            a sum, or a pipeline of augmentations.

    Raises:
        KeyError: there is no such part.

    >>> part_named("model", "unet").names, part_named("model", "timm:vgg13_bn").names
    (('width', 'batch_norm'), ('drop_path',))
    >>> part_named("loss", "my_losses:Tversky").where
    'my_losses:Tversky'
    """
    if kind == "augment" and not isinstance(name, str):
        return _PIPELINE
    if isinstance(name, Mapping):
        return sum_of(name, RECIPE[kind])
    if kind == "model" and is_classifier(name):
        return CLASSIFIER
    if kind == "model" and name.startswith("smp:"):
        return SMP
    known = RECIPE[kind].get(name) or own_part(kind, name)
    if known is None:
        raise KeyError(name)
    return known


def is_classifier(model: str) -> bool:
    """Is it a network for the class of an image, not of each pixel?"""
    return model.startswith("timm:")


def load(catalog: Parts, name: str) -> Any:
    """Import and return the part that a catalog lists under `name`.

    Raises:
        KeyError: the catalog has no such name.
    """
    return catalog[name].load()
