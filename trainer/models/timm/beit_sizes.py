"""BEiT for images of any size: its position biases are resampled to the images' patches."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from searchctl.trainer.models.timm.library import timm

_CLASS_TOKEN = 3
"""Biases at a table's end: to the class token, from it, and its own."""


def features_of(net: nn.Module, images: Tensor) -> list[Tensor]:
    """Return a network's features; BEiT's also for images of other sizes than it was made for.

    Bao et al., 'BEiT' (2022), add to the attention between two patches a learned bias, by how many
    rows and columns they are apart. timm can only resample these tables for good, to one size, in
    place of the weights; here it is done on the way, so that weights are the same for every size.

    Args:
        net: any of timm's networks that returns features.
        images: [B, 3, H, W]; for BEiT with sides divisible by its patch's.
    """
    attentions = {
        name: module
        for name, module in net.named_modules()
        if isinstance(module, timm.models.beit.Attention) and module.window_size
    }
    if not attentions:
        return net(images)  # type: ignore[no-any-return]
    patches: Any = next(m for m in net.modules() if isinstance(m, timm.layers.PatchEmbed))
    patches.strict_img_size = False
    sides = zip(images.shape[-2:], patches.patch_size, strict=True)
    rows, columns = (side // patch for side, patch in sides)
    weights = _weights(patches.grid_size, (rows, columns), images.device)
    index = timm.models.beit.gen_relative_position_index((rows, columns), device=images.device)
    stand_ins = {}
    for name, attention in attentions.items():
        attention.window_size = (rows, columns)
        table = attention.relative_position_bias_table
        stand_ins[f"{name}.relative_position_bias_table"] = _resampled(table, weights)
        stand_ins[f"{name}.relative_position_index"] = index
    return functional_call(net, stand_ins, (images,))  # type: ignore[no-any-return]


def _resampled(table: Tensor, weights: tuple[Tensor, Tensor] | None) -> Tensor:
    """Return the biases [distances, heads] at other distances; None for those that it has."""
    if weights is None:
        return table
    down, across = weights
    grid = table[:-_CLASS_TOKEN].view(down.shape[1], across.shape[1], -1)
    resampled = torch.einsum("ih,jw,hwn->ijn", down, across, grid)
    return torch.cat([resampled.flatten(0, 1), table[-_CLASS_TOKEN:]])


def _weights(
    known: tuple[int, int], wanted: tuple[int, int], device: torch.device
) -> tuple[Tensor, Tensor] | None:
    """Return the shares of known distances in the wanted ones, down and across, in patches."""
    if known == wanted:
        return None
    down, across = (_shares(*pair).to(device) for pair in zip(known, wanted, strict=True))
    return down, across


def _shares(known: int, wanted: int) -> Tensor:
    """Return the weights [2 * wanted - 1, 2 * known - 1] of a linear interpolation on one axis."""
    positions = _positions(known - 1, wanted - 1)
    distances = torch.arange(1.0 - wanted, wanted, device="cpu")
    right = torch.searchsorted(positions, distances).clamp(1, len(positions) - 1)
    left = right - 1
    # those beyond the last have its bias
    share = ((distances - positions[left]) / (positions[right] - positions[left])).clamp(0, 1)
    eye = torch.eye(len(positions), device="cpu")
    return eye[right] * share[:, None] + eye[left] * (1 - share[:, None])


def _positions(count: int, reach: int) -> Tensor:
    """Return where the authors put `count` biases on each side of 0, to reach as far as `reach`.

    The steps between them grow by a constant ratio from 1: biases between neighbours stay as they
    were learned, and those of far patches are stretched. Where less is wanted than is known, the
    far ones are not used.
    """
    low, high = 1.01, 1.5  # the authors' bounds
    while high - low > 1e-6:
        ratio = (low + high) / 2
        if sum(ratio**step for step in range(count)) > reach:
            high = ratio
        else:
            low = ratio
    steps = torch.tensor([ratio**step for step in range(count)], device="cpu").cumsum(0)
    return torch.cat([-steps.flip(0), torch.zeros(1, device="cpu"), steps])
