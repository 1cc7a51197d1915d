"""Puts pretrained weights into a network of timm: into all of its tensors, or none."""

import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor

from searchctl.trainer.core.errors import SettingsError, first_few
from searchctl.trainer.models.timm.library import timm
from searchctl.trainer.models.timm.network import TimmNetwork
from searchctl.trainer.weights.files import as_settings_error

_OURS = re.compile(r"encoder\.(timm\.)?net\.")
"""What the names of a TimmEncoder's tensors begin with in a network of ours."""


def load_encoder_weights(network: TimmNetwork, tensors: Mapping[str, Tensor], problem: str) -> int:
    """Put weights in the place of a network's; torch's random numbers stay as they are.

    timm knows the names that tensors have in each network's published files, and drops the head,
    but it passes over what is missing without a word. Integers, such as the number of batches that
    BatchNorm has seen, may be missing.

    Args:
        network: an encoder of timm's, or a classifier's parts but the last; on the CPU.
        tensors: a state dict with timm's names of the whole network, with those of its published
            files where timm knows how to rename them, or with the network's own; or one of a
            network of ours, of which the encoder is taken.
        problem: what an error's message begins with.

    Returns:
        How many tensors of floating-point numbers the network has: all were replaced.

    Raises:
        SettingsError: the weights do not fill all of the network, do not fit, or are not finite;
            it is unchanged.
    """
    own = network.timm_state()
    with as_settings_error(problem):
        found = _found(network, _of_the_encoder(tensors))
    wanted = _floats(own)
    missing = [name for name in wanted if name not in found]
    if missing:
        raise SettingsError(
            f"{problem}: {len(missing)} of the encoder's {len(wanted)} tensors are missing "
            f"({first_few(missing)}); it holds {first_few(sorted(tensors))}"
        )
    infinite = [name for name in wanted if not found[name].isfinite().all()]
    if infinite:
        raise SettingsError(
            f"{problem}: {len(infinite)} of its tensors hold NaN or infinity "
            f"({first_few(infinite)})"
        )
    for name, tensor in found.items():
        own[name].copy_(tensor)
    return len(wanted)


def _of_the_encoder(tensors: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    """Return the encoder's tensors of a network of ours; all of any other file's."""
    inside = {_OURS.sub("", n, count=1): each for n, each in tensors.items() if _OURS.match(n)}
    return inside or tensors


def _found(network: TimmNetwork, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return what the weights hold of the network, by its own names."""
    own = network.timm_state()
    same = {name: tensors[name] for name in own if _shape(tensors, name) == own[name].shape}
    if same.keys() >= _floats(own).keys():
        return same
    try:
        # what is loaded from tensors of NaN, and is none after that, was not loaded
        marked = _timm_loaded(network, {name: _marked(each) for name, each in tensors.items()})
        filled = {name for name, each in marked.items() if not _unmarked(each)}
        loaded = _timm_loaded(network, tensors)
    except LookupError:
        return same  # timm took it for a file of another make, for want of the usual names
    return {name: loaded[name] for name in own if name in filled}


def _timm_loaded(network: TimmNetwork, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the state dict of such a network with what timm takes of the weights."""
    with torch.random.fork_rng(devices=[]), _quiet_timm():
        net = timm.create_model(
            network.name,
            pretrained=True,
            pretrained_cfg_overlay={"state_dict": dict(tensors)},
            **network.options,
        )
    state: dict[str, Tensor] = net.state_dict()
    return state


@contextmanager
def _quiet_timm() -> Iterator[None]:
    """Keep timm from naming hundreds of tensors that are not the encoder's; we say what lacks."""
    logger = logging.getLogger(timm.__name__)
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)


def _marked(tensor: Tensor) -> Tensor:
    return torch.full_like(tensor, torch.nan) if tensor.is_floating_point() else tensor


def _unmarked(tensor: Tensor) -> bool:
    return tensor.is_floating_point() and not tensor.isnan().all()


def _floats(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor for name, tensor in state.items() if tensor.is_floating_point()}


def _shape(tensors: Mapping[str, Tensor], name: str) -> torch.Size | None:
    return tensors[name].shape if name in tensors else None
