"""Checks one part of a recipe, whatever it is: a network, a loss, an optimizer, ..."""

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from searchctl.trainer.checks.augments import AUGMENT_CHECKS, AugmentCase
from searchctl.trainer.checks.base import Check, CheckFailed, Finding, run_checks
from searchctl.trainer.checks.losses import IGNORED, LOSS_CHECKS, LossCase
from searchctl.trainer.checks.networks import (
    NETWORK_CHECKS,
    NetworkCase,
    logits_are_of_the_images_size,
)
from searchctl.trainer.checks.optimizers import (
    LR_SCHEDULE_CHECKS,
    OPTIMIZER_CHECKS,
    OptimizerCase,
)
from searchctl.trainer.data.augment.chosen import Augmenter, augmenter
from searchctl.trainer.data.augment.own import takes_pair
from searchctl.trainer.losses.build import build_loss
from searchctl.trainer.models.base import SegmentationModel
from searchctl.trainer.models.build import build_model
from searchctl.trainer.own_code.calls import accepts, import_object, parameters_of
from searchctl.trainer.settings.catalog import RECIPE, part_named
from searchctl.trainer.settings.source.own import OwnPart
from searchctl.trainer.settings.training import TrainSettings

LONGEST_SIDE = 128
"""Images of a network's checks are cut down to this, unless the network needs them whole."""


@dataclass(frozen=True)
class Images:
    """The images that networks are to take."""

    classes: int = 5
    channels: int = 3
    size: tuple[int, int] = (64, 64)
    """Height and width in pixels."""


def check_part(
    kind: str, settings: TrainSettings, images: Images, *, only_quick: bool = False
) -> Iterator[Finding]:
    """Yield the findings of the part that the settings name; of one that cannot be built, one.

    Args:
        kind: model, loss, optimizer, lr_schedule or augment.
        settings: with its name and its options.
        images: the images that networks are to take.
        only_quick: leave out the checks that take long.
    """
    name = getattr(settings, kind)
    built: list[tuple[Any, dict[str, Check[Any]]]] = []

    def build(_: None) -> str:
        built.append(_CASES[kind](settings, images))
        return _about(built[0][0])

    yield from run_checks(name, None, {"it can be built": Check(build)})
    for case, checks in built:
        yield from run_checks(name, case, checks, only_quick=only_quick)


def _about(case: object) -> str:
    if not isinstance(case, NetworkCase):
        return ""
    weights = sum(each.numel() for each in case.made().parameters())
    return f"{weights:,} weights, images of {case.image_size[0]}x{case.image_size[1]}"


def _network(settings: TrainSettings, images: Images) -> tuple[NetworkCase, Any]:
    size = images.size

    def built_for(size: tuple[int, int]) -> Callable[..., SegmentationModel]:
        return lambda dropout: build_model(
            settings.model_copy(update={"dropout": dropout}), images.classes, images.channels, size
        )

    part = part_named("model", settings.model)
    own = isinstance(part, OwnPart)
    case = NetworkCase(
        built_for(size),
        images.classes,
        images.channels,
        size,
        has_dropout=not own or accepts(import_object(part.where), "dropout"),
    )
    case.made()  # so that a network that cannot be built is refused by its own error
    small = (min(size[0], LONGEST_SIDE), min(size[1], LONGEST_SIDE))
    cut = replace(case, build=built_for(small), image_size=small)
    try:
        logits_are_of_the_images_size(cut)
    except Exception:  # of any kind, from code that is not ours
        return case, NETWORK_CHECKS
    return cut, NETWORK_CHECKS


def _loss(settings: TrainSettings, images: Images) -> tuple[LossCase, Any]:
    counts = torch.ones(2, images.classes, dtype=torch.int64)
    loss = build_loss(settings, ignore_index=IGNORED, pixel_counts=counts)
    takes_ignored = bool(getattr(loss, "leaves_out_ignored", True))
    return LossCase(loss, images.classes, takes_ignored), LOSS_CHECKS


def _optimizer(settings: TrainSettings, images: Images) -> tuple[OptimizerCase, Any]:
    case = OptimizerCase(settings)
    case.made()
    return case, OPTIMIZER_CHECKS


def _lr_schedule(settings: TrainSettings, images: Images) -> tuple[OptimizerCase, Any]:
    case = OptimizerCase(settings)
    case.scheduled()
    return case, LR_SCHEDULE_CHECKS


def _augment(settings: TrainSettings, images: Images) -> tuple[AugmentCase, Any]:
    def made() -> Augmenter:
        return augmenter(settings.augmentation, images.size, IGNORED)

    made()
    return AugmentCase(made, images.classes, images.channels, images.size), AUGMENT_CHECKS


_CASES: dict[str, Callable[[TrainSettings, Images], tuple[Any, dict[str, Check[Any]]]]] = {
    "model": _network,
    "loss": _loss,
    "optimizer": _optimizer,
    "lr_schedule": _lr_schedule,
    "augment": _augment,
}
"""Setting that names a part -> what is checked of it, and its checks."""


def kind_of(name: str) -> str:
    """Return the setting that a name is for: model, loss, optimizer, ..., augment.

    An object of the user's is imported, and judged by its class and by what it is called with.

    Raises:
        SettingsError: it cannot be imported.
        CheckFailed: the name is of none of these.
    """
    for kind in _CASES:
        if name in RECIPE[kind]:
            return kind
    where = _where(name)
    target = import_object(where)
    if takes_pair(target) or hasattr(target, "set_random_state"):
        return "augment"
    if inspect.isclass(target) and issubclass(target, Optimizer):
        return "optimizer"
    if inspect.isclass(target) and issubclass(target, LRScheduler):
        return "lr_schedule"
    is_module = inspect.isclass(target) and issubclass(target, nn.Module)
    called = target.forward if is_module else target
    needed = [
        each.name
        for each in parameters_of(called).values()
        if each.default is each.empty and each.name != "self" and each.kind != each.VAR_KEYWORD
    ]
    first = needed[0] if needed else ""
    if not is_module and first in ("optimizer", "params"):
        return {"optimizer": "lr_schedule", "params": "optimizer"}[first]
    return "loss" if len(needed) > 1 and not _names_classes(called) else "model"


def _names_classes(target: Any) -> bool:
    return any(accepts(target, name) for name in ("classes", "num_classes", "n_classes"))


def _where(name: str) -> str:
    for kind in _CASES:
        try:
            part = part_named(kind, name)
        except KeyError:
            continue
        return part.where
    known = ", ".join(each for kind in _CASES for each in RECIPE[kind])
    raise CheckFailed(f"'{name}' is no import path module:object, and none of {known}")
