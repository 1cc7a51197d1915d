"""Whole networks that others published: their tensors under the names of our networks.

One file each publisher; `PUBLISHED` lists the networks. A file is recognised by the names of its
tensors. Each tensor is renamed, or stays under its own name and is reported as unknown.
"""

from collections.abc import Mapping

from torch import Tensor

from searchctl.trainer.weights.published import mmsegmentation, smp, torchvision, transformers
from searchctl.trainer.weights.published.base import PublishedNetwork

PUBLISHED: tuple[PublishedNetwork, ...] = (
    torchvision.DEEPLABV3,
    transformers.UPERNET_CONVNEXT,
    transformers.SEGFORMER,
    mmsegmentation.UPERNET_CONVNEXT,
    smp.ANY,
)


def recognised(tensors: Mapping[str, Tensor]) -> PublishedNetwork | None:
    """Return the published network of a state dict; None for any other file."""
    return next((each for each in PUBLISHED if each.holds(tensors)), None)
