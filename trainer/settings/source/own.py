"""Parts that are not in our catalogs: a user's own, by import path, and installed entry points.

An import path is "module:object": `my_nets:ResUNet` for the class ResUNet of my_nets.py. Nothing is
imported here: `searchctl.trainer.settings.source.signatures` reads what a path names.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any, TypeAlias

from pydantic import BaseModel

from searchctl.trainer.settings.parts import Part

_NAME = r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*"
IMPORT_PATH = rf"{_NAME}:{_NAME}"
"""Regular expression of an import path."""
_PREFIXES = ("smp", "timm")
"""What stands before a colon and is no module: the networks of other packages."""

ENTRY_POINTS = {
    "model": "searchctl.models",
    "loss": "searchctl.losses",
    "optimizer": "searchctl.optimizers",
    "lr_schedule": "searchctl.lr_schedules",
    "augment": "searchctl.augmentations",
}
"""Setting that names a part -> the group of entry points by which a package offers more of them."""

_ADAPTERS = {
    "model": "searchctl.trainer.models.own:OwnNetwork",
    "loss": "searchctl.trainer.losses.own:OwnLoss",
    "optimizer": "searchctl.trainer.optim.own:own_optimizer",
    "lr_schedule": "searchctl.trainer.optim.own:own_lr_schedule",
    "augment": "searchctl.trainer.data.augment.own:own_change",
}
"""Setting that names a part -> what makes one of ours of the named object."""

CLASSES = ("classes", "num_classes", "n_classes")
"""Names that a parameter for the number of classes may have, the usual one first."""
CHANNELS = ("in_channels", "channels", "n_channels")
"""Names that a parameter for the channels of the images may have."""
GIVEN: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "model": (CLASSES, CHANNELS, ("image_size",), ("dropout",)),
    "loss": (CLASSES, ("ignore_index",), ("pixel_counts",)),
    "optimizer": (("lr",), ("weight_decay",)),
    "lr_schedule": (("steps",), ("epochs",)),
    "augment": (("image_size",), ("ignore_index",), ("rng",)),
    "logger": (("sweep",), ("classes",)),
}
"""What searchctl gives to parameters of these names, where a part has them; one name of each."""
PAIR = ("image", "mask")
"""First parameters of an augmentation that is a callable."""
SETTINGS = {"model": ("dropout",), "optimizer": ("lr", "weight_decay")}
"""Parameters that are settings of their own, and no arguments of a part."""


@dataclass(frozen=True)
class OwnOptions:
    """The options of a part of one's own in one trial."""

    where: str
    """ "module:object"."""
    args: Mapping[str, Any]
    """Its arguments by name."""


Augment: TypeAlias = str | Mapping[str, Any] | OwnOptions
"""An augmentation of a trial: a preset by name, a pipeline, or the user's own."""


@dataclass(frozen=True)
class OwnPart(Part):
    """A part that is named by import path, or offered by an installed package."""

    kind: str = ""
    """The setting that names it: model, loss, optimizer, lr_schedule, augment."""

    def options_in(self, settings: BaseModel) -> OwnOptions:
        """Return its options as a trial's settings have them."""
        return OwnOptions(self.where, getattr(settings, args_setting(self.kind)))

    def load(self) -> Any:
        """Import and return the adapter, which imports the object itself when it is called."""
        module, _, attribute = _ADAPTERS[self.kind].partition(":")
        return getattr(import_module(module), attribute)


def args_setting(kind: str) -> str:
    """Return the name of the setting with the arguments of an own part."""
    return f"{kind}_args"


ARGS = tuple(map(args_setting, ENTRY_POINTS))
"""The settings with the arguments of own parts."""


def is_import_path(name: object) -> bool:
    """Return whether the name of a part is an import path.

    >>> is_import_path("my_nets:ResUNet"), is_import_path("unet"), is_import_path("timm:resnet18")
    (True, False, False)
    """
    return (
        isinstance(name, str)
        and re.fullmatch(IMPORT_PATH, name) is not None
        and name.partition(":")[0] not in _PREFIXES
    )


@cache
def offered(kind: str) -> Mapping[str, str]:
    """Return the parts that installed packages offer: name -> import path."""
    return {each.name: each.value for each in entry_points(group=ENTRY_POINTS[kind])}


def own_part(kind: str, name: str) -> OwnPart | None:
    """Return the part that an import path or an entry point names; None if the name is neither."""
    if is_import_path(name):
        return OwnPart(name, kind=kind)
    where = offered(kind).get(name) if kind in ENTRY_POINTS else None
    return OwnPart(where, kind=kind) if where else None


def own_parts(settings: Iterable[BaseModel]) -> list[str]:
    """Return the import paths that these settings name as parts, each once.

    Entry points are left out: their packages are installed wherever a job runs.
    """
    named = [getattr(each, kind, "") for each in settings for kind in ENTRY_POINTS]
    return list(dict.fromkeys(filter(is_import_path, named)))


def has_own_parts(settings: BaseModel) -> bool:
    """Return whether some part of the recipe is not of our catalogs."""
    names = ((kind, getattr(settings, kind)) for kind in ENTRY_POINTS)
    return any(isinstance(name, str) and own_part(kind, name) is not None for kind, name in names)
