"""Loads pretrained weights into a timm network: into all of its tensors, or none."""

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
"""Prefix of a TimmEncoder's tensors in the state dict of one of our networks."""


def load_encoder_weights(network: TimmNetwork, tensors: Mapping[str, Tensor], problem: str) -> int:
    """Replace all weights of a network; the state of torch's random generator does not change.

    timm converts the names of published files and drops the head, but it ignores missing tensors.
    So the result is checked here. Integers, such as BatchNorm's number of batches, may be missing.

    Args:
        network: a timm encoder, or a classifier without its last layer; on the CPU.
        tensors: a state dict with one of these kinds of names: timm's names of the whole network;
            names of published files that timm can convert; the network's own names; or the names
            of one of our networks, from which the encoder is taken.
        problem: start of an error's message.

    Returns:
        The number of the network's floating-point tensors; all were replaced.

    Raises:
        SettingsError: tensors are missing, have another shape, or are not finite. The network is
            then unchanged.
    """
    own = network.timm_state()
    with as_settings_error(problem):
        found = _found(network, _of_the_encoder(tensors))
    wanted = _floats(own)
    missing = [name for name in wanted if name not in found]
    if missing:
        raise SettingsError(
            f"{problem}: {len(missing)} of the encoder's {len(wanted)} tensors are missing "
            f"({first_few(missing)}); the file has {first_few(sorted(tensors))}"
        )
    infinite = [name for name in wanted if not found[name].isfinite().all()]
    if infinite:
        raise SettingsError(
            f"{problem}: {len(infinite)} of its tensors have NaN or infinite values "
            f"({first_few(infinite)})"
        )
    for name, tensor in found.items():
        own[name].copy_(tensor)
    return len(wanted)


def _of_the_encoder(tensors: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    """Return the encoder's tensors if the file is of one of our networks, else all tensors."""
    inside = {_OURS.sub("", n, count=1): each for n, each in tensors.items() if _OURS.match(n)}
    return inside or tensors


def _found(network: TimmNetwork, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors that belong to the network, by its own names."""
    own = network.timm_state()
    same = {name: tensors[name] for name in own if _shape(tensors, name) == own[name].shape}
    if same.keys() >= _floats(own).keys():
        return same
    try:
        # timm does not report which tensors it loaded: load NaN first; what is NaN then was loaded
        marked = _timm_loaded(network, {name: _marked(each) for name, each in tensors.items()})
        filled = {name for name, each in marked.items() if not _unmarked(each)}
        loaded = _timm_loaded(network, tensors)
    except LookupError:
        return same  # timm's conversion expected other names
    return {name: loaded[name] for name in own if name in filled}


def _timm_loaded(network: TimmNetwork, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the state dict of a new network of this kind after timm loaded the weights."""
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
    """Silence timm's warning about hundreds of tensors that are not the encoder's.

    Missing tensors are reported by `load_encoder_weights`.
    """
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
