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
    "simple_fcn": Model("trainer.models.simple_fcn:SimpleFCN", ("width",)),
    "unet": Model("trainer.models.unet:UNet", ("width", "batch_norm")),
    "swin2_jnet": Model("trainer.models.swin2_jnet:Swin2JNet", ("width", *_TIMM)),
    "segformer": Model("trainer.models.segformer:SegFormer", ("width", *_TIMM)),
    "upernet": Model("trainer.models.upernet:UPerNet", ("width", *_TIMM, "aux_loss")),
    "simple_seg": Model("trainer.models.simple_seg:SimpleSeg", _TIMM),
    "pspnet": Model(
        "trainer.models.pspnet:PSPNet", ("width", *_TIMM, "output_stride", "ppm", "aux_loss")
    ),
    "fcn32s": Model("trainer.models.fcn32s:FCN32s", ("width", *_TIMM)),
    "deeplabv3": Model(
        "trainer.models.deeplabv3:DeepLabV3",
        ("width", *_TIMM, "output_stride", "aspp_rates", "aux_loss"),
    ),
}

CLASSIFIER = Model("trainer.models.timm_classifier:TimmClassifier", ("drop_path",))
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
    "cross_entropy": "trainer.losses.cross_entropy:CrossEntropy",
    "weighted_cross_entropy": "trainer.losses.cross_entropy:WeightedCrossEntropy",
    "dice": "trainer.losses.overlap:Dice",
    "jaccard": "trainer.losses.overlap:Jaccard",
    "focal": "trainer.losses.focal:Focal",
}

OPTIMIZERS = {
    "adamw": "trainer.optimizers:adamw",
    "adam": "trainer.optimizers:adam",
    "adamax": "trainer.optimizers:adamax",
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
    "cityscapes": "trainer.datasets.cityscapes:Cityscapes",
    "kitti_road": "trainer.datasets.kitti_road:KittiRoad",
    "kitti_semantics": "trainer.datasets.kitti_semantics:KittiSemantics",
    "landcover": "trainer.datasets.landcover:Landcover",
    "oxford_pets": "trainer.datasets.oxford_pets:OxfordPets",
    "sunrgbd": "trainer.datasets.sunrgbd:SunRgbd",
    "folder": "trainer.datasets.folder:Folder",
    "image_folder": "trainer.datasets.image_folder:ImageFolder",
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
