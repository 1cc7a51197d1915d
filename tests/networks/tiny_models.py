"""A tiny variant of every network, so that a test of one takes a second."""

from typing import Any

import torch
import torch.nn.functional as F

from searchctl.trainer.models.base import SegmentationModel
from searchctl.trainer.models.build import build_model
from searchctl.trainer.models.finetune import freeze, training_mode
from searchctl.trainer.settings.catalog import part_named
from searchctl.trainer.settings.training import TrainSettings
from tests.networks import tiny_encoders  # noqa: F401  # for the names of encoders below

CLASSES = 11

TINY: dict[str, dict[str, Any]] = {
    "simple_fcn": {"width": 32},
    "unet": {"width": 8},
    "swin2_jnet": {"encoder": "tiny_swinv2", "width": 128},
    "segformer": {"encoder": "tiny_pvt_v2", "width": 32},
    "upernet": {"encoder": "test_convnext", "width": 16},
    "simple_seg": {"encoder": "test_resnet"},
    "pspnet": {"encoder": "test_resnet", "width": 32},
    "fcn32s": {"encoder": "tiny_vgg", "width": 64},
    "deeplabv3": {"encoder": "test_resnet", "width": 16},
}
"""Catalog name -> the settings of the variant."""

VARIANTS: dict[str, dict[str, Any]] = {
    **{name: {"model": name, **settings} for name, settings in TINY.items()},
    "unet-plain": {**TINY["unet"], "model": "unet", "batch_norm": False},
    "upernet-vit": {**TINY["upernet"], "model": "upernet", "encoder": "test_vit"},
    "upernet-no-aux": {**TINY["upernet"], "model": "upernet", "aux_loss": False},
    "pspnet-no-ppm": {**TINY["pspnet"], "model": "pspnet", "ppm": False},
    "pspnet-no-aux": {**TINY["pspnet"], "model": "pspnet", "aux_loss": False},
    "deeplabv3-os16": {**TINY["deeplabv3"], "model": "deeplabv3", "output_stride": 16},
    "smp": {"model": "smp:fpn/tu-test_resnet"},
}
"""Name of a test -> its settings: each model's tiny variant, and what its other options make."""

BRANCHLESS = ("simple_fcn", "unet", "unet-plain", "fcn32s", "smp")
"""Variants without residual branches to skip, or, of smp, without our switch for them."""


def tiny(
    variant: str, classes: int = CLASSES, *, seed: int = 0, **settings: Any
) -> SegmentationModel:
    """Build a variant from a seed of its own, with some settings changed."""
    torch.manual_seed(seed)
    return build_model(TrainSettings(**{**VARIANTS[variant], **settings}), classes)


def has_aux(variant: str) -> bool:
    """Has the variant an auxiliary head?"""
    settings = TrainSettings(**VARIANTS[variant])
    return (
        "aux_loss" in part_named("model", settings.model).names and settings.aux_loss is not False
    )


def train_steps(model: SegmentationModel, finetune: str = "all", steps: int = 3) -> None:
    """Take some steps on noise, with what the training loop trains and an auxiliary loss."""
    noise = torch.Generator().manual_seed(0)
    freeze(model, finetune)
    training_mode(model, finetune)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2, weight_decay=0.1)
    for _ in range(steps):
        labels = torch.randint(CLASSES, (2, 64, 64), generator=noise)
        logits = model.all_logits(torch.randn(2, 3, 64, 64, generator=noise))
        optimizer.zero_grad()
        sum(F.cross_entropy(each, labels) for each in logits).backward()
        optimizer.step()


def settled(model: SegmentationModel, images: torch.Tensor) -> SegmentationModel:
    """The model after it has seen images, in evaluation, all of its branches at work.

    timm initialises residual branches with a factor of zero: they would hide mistakes.
    """
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
    model.train()(images)
    return model.eval()
