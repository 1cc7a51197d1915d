"""The table of contents of what can be named in a sweep.yaml: name -> "module:object".

A visible dict for each kind, so that names are checked without importing torch. To add a model, a
loss, an optimizer, an LR schedule, an augmentation or a data set: write its file, add its line.
"""

import difflib
from collections.abc import Iterable
from importlib import import_module
from typing import Any, NamedTuple


class Model(NamedTuple):
    """Where a network is, and which settings it takes besides `dropout`."""

    where: str
    options: tuple[str, ...]


_TIMM = ("encoder", "drop_path")

MANY = 40
"""More names than this are not listed in a message."""

MODELS = {
    "simple_fcn": Model("searchctl.trainer.models.simple_fcn:SimpleFCN", ("width",)),
    "unet": Model("searchctl.trainer.models.unet:UNet", ("width", "batch_norm")),
    "swin2_jnet": Model("searchctl.trainer.models.swin2_jnet:Swin2JNet", ("width", *_TIMM)),
    "segformer": Model("searchctl.trainer.models.segformer:SegFormer", ("width", *_TIMM)),
    "upernet": Model("searchctl.trainer.models.upernet:UPerNet", ("width", *_TIMM, "aux_loss")),
    "simple_seg": Model("searchctl.trainer.models.simple_seg:SimpleSeg", _TIMM),
    "pspnet": Model(
        "searchctl.trainer.models.pspnet:PSPNet",
        ("width", *_TIMM, "output_stride", "ppm", "aux_loss"),
    ),
    "fcn32s": Model("searchctl.trainer.models.fcn32s:FCN32s", ("width", *_TIMM)),
    "deeplabv3": Model(
        "searchctl.trainer.models.deeplabv3:DeepLabV3",
        ("width", *_TIMM, "output_stride", "aspp_rates", "aux_loss"),
    ),
}

CLASSIFIER = Model("searchctl.trainer.models.timm.classifier:TimmClassifier", ("drop_path",))
"""What `timm:<name>` is."""

SMP_DECODERS = {
    "deeplabv3": "DeepLabV3",
    "deeplabv3plus": "DeepLabV3Plus",
    "dpt": "DPT",
    "fpn": "FPN",
    "linknet": "Linknet",
    "manet": "MAnet",
    "pan": "PAN",
    "pspnet": "PSPNet",
    "segformer": "Segformer",
    "unet": "Unet",
    "unetplusplus": "UnetPlusPlus",
    "upernet": "UPerNet",
}
"""What `smp:<decoder>/<encoder>` may begin with -> its class in segmentation-models-pytorch."""

LOSSES = {
    "cross_entropy": "searchctl.trainer.losses.cross_entropy:CrossEntropy",
    "weighted_cross_entropy": "searchctl.trainer.losses.cross_entropy:WeightedCrossEntropy",
    "dice": "searchctl.trainer.losses.overlap:Dice",
    "jaccard": "searchctl.trainer.losses.overlap:Jaccard",
    "focal": "searchctl.trainer.losses.focal:Focal",
}

OPTIMIZERS = {
    "adamw": "searchctl.trainer.optim.optimizers:adamw",
    "adam": "searchctl.trainer.optim.optimizers:adam",
    "adamax": "searchctl.trainer.optim.optimizers:adamax",
    "sgd": "searchctl.trainer.optim.optimizers:sgd",
}

LR_SCHEDULES = {
    "constant": "searchctl.trainer.optim.lr_schedules:constant",
    "step": "searchctl.trainer.optim.lr_schedules:step",
    "plateau": "searchctl.trainer.optim.lr_schedules:plateau",
    "one_cycle": "searchctl.trainer.optim.lr_schedules:one_cycle",
    "poly": "searchctl.trainer.optim.lr_schedules:poly",
    "cosine": "searchctl.trainer.optim.lr_schedules:cosine",
}

AUGMENTATIONS = {
    "none": "searchctl.trainer.data.augment:none",
    "flips": "searchctl.trainer.data.augment:flips",
    "flip_crop": "searchctl.trainer.data.augment:flip_crop",
    "scale_crop_jitter": "searchctl.trainer.data.augment:scale_crop_jitter",
}

DATASETS = {
    "scenes": "searchctl.trainer.data.sets.scenes:Scenes",
    "camvid": "searchctl.trainer.data.sets.camvid:Camvid",
    "cityscapes": "searchctl.trainer.data.sets.cityscapes:Cityscapes",
    "kitti_road": "searchctl.trainer.data.sets.kitti_road:KittiRoad",
    "kitti_semantics": "searchctl.trainer.data.sets.kitti_semantics:KittiSemantics",
    "landcover": "searchctl.trainer.data.sets.landcover:Landcover",
    "oxford_pets": "searchctl.trainer.data.sets.oxford_pets:OxfordPets",
    "sunrgbd": "searchctl.trainer.data.sets.sunrgbd:SunRgbd",
    "folder": "searchctl.trainer.data.sets.folder:Folder",
    "image_folder": "searchctl.trainer.data.sets.image_folder:ImageFolder",
}


def options_of(model: str) -> tuple[str, ...]:
    """Return which settings a model takes besides `dropout`; none if there is no such model.

    >>> options_of("unet"), options_of("timm:vgg13_bn")
    (('width', 'batch_norm'), ('drop_path',))
    """
    if is_classifier(model):
        return CLASSIFIER.options
    return MODELS[model].options if model in MODELS else ()


def is_classifier(model: str) -> bool:
    """Is it a network for the class of an image, not of each pixel?"""
    return model.startswith("timm:")


def load(catalog: dict[str, str], name: str) -> Any:
    """Import and return the object that a catalog lists under `name`.

    Raises:
        KeyError: the catalog has no such name.
    """
    return load_object(catalog[name])


def load_object(where: str) -> Any:
    """Import and return what "module:object" names."""
    module, _, attribute = where.partition(":")
    return getattr(import_module(module), attribute)


def unknown(kind: str, name: str, known: Iterable[str]) -> str:
    """Say that `name` is not a known `kind`, what was probably meant, and what there is.

    >>> unknown("model", "unett", ["simple_fcn", "unet"])
    "unknown model 'unett': did you mean 'unet'? (simple_fcn, unet)"
    >>> unknown("model", "x", ["simple_fcn", "unet"])
    "unknown model 'x': known are simple_fcn, unet"
    >>> unknown("encoder", "x", map(str, range(1000)))
    "unknown encoder 'x': 1000 are known"
    """
    names = list(known)
    close = difflib.get_close_matches(name, names, n=3 if len(names) > MANY else 1)
    listed = ", ".join(names) if len(names) <= MANY else ""
    counted = f"{len(names)} are known"
    if close:
        hint = f"did you mean {' or '.join(map(repr, close))}? ({listed or counted})"
    else:
        hint = f"known are {listed}" if listed else counted
    return f"unknown {kind} '{name}': {hint}"
