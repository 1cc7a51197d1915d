"""BEiT for images of any size: its position biases are resampled in each forward pass."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from searchctl.trainer.models.timm.library import timm

_CLASS_TOKEN = 3
"""Number of biases at a table's end: to the class token, from it, and of it to itself."""


def features_of(net: nn.Module, images: Tensor) -> list[Tensor]:
    """Return a network's features; BEiT also accepts images of other sizes than it was built for.

    Bao et al., 'BEiT' (2022), add a learned bias to the attention between two patches. It depends
    on their distance in rows and columns. timm can resample these tables only permanently, to one
    size, and would change the weights. Here they are resampled in each forward pass, so that the
    weights are the same for all sizes.

    Args:
        net: a timm network that returns features.
        images: [B, 3, H, W]; for BEiT, the sides must be divisible by the patch size.
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
    # functional_call uses these tensors in place of the module's, for this call only
    stand_ins = {}
    for name, attention in attentions.items():
        attention.window_size = (rows, columns)
        table = attention.relative_position_bias_table
        stand_ins[f"{name}.relative_position_bias_table"] = _resampled(table, weights)
        stand_ins[f"{name}.relative_position_index"] = index
    return functional_call(net, stand_ins, (images,))  # type: ignore[no-any-return]


def _resampled(table: Tensor, weights: tuple[Tensor, Tensor] | None) -> Tensor:
    """Return the biases [distances, heads] at other distances; `weights` None keeps the table."""
    if weights is None:
        return table
    down, across = weights
    grid = table[:-_CLASS_TOKEN].view(down.shape[1], across.shape[1], -1)
    resampled = torch.einsum("ih,jw,hwn->ijn", down, across, grid)
    return torch.cat([resampled.flatten(0, 1), table[-_CLASS_TOKEN:]])


def _weights(
    known: tuple[int, int], wanted: tuple[int, int], device: torch.device
) -> tuple[Tensor, Tensor] | None:
    """Return the interpolation weights for rows and columns; None if the grid sizes are equal."""
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
    # distances beyond the last position have its bias
    share = ((distances - positions[left]) / (positions[right] - positions[left])).clamp(0, 1)
    eye = torch.eye(len(positions), device="cpu")
    return eye[right] * share[:, None] + eye[left] * (1 - share[:, None])


def _positions(count: int, reach: int) -> Tensor:
    """Return the positions of `count` biases on each side of 0 that cover distances up to `reach`.

    As in the authors' code, the steps between positions grow by a constant ratio from 1. So the
    biases of near patches stay as learned, and those of far patches are stretched. If `reach` is
    smaller than `count`, the far biases are not used.
    """
    low, high = 1.01, 1.5  # the authors' bounds of the ratio, which is found by bisection
    while high - low > 1e-6:
        ratio = (low + high) / 2
        if sum(ratio**step for step in range(count)) > reach:
            high = ratio
        else:
            low = ratio
    steps = torch.tensor([ratio**step for step in range(count)], device="cpu").cumsum(0)
    return torch.cat([-steps.flip(0), torch.zeros(1, device="cpu"), steps])
