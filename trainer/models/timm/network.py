"""Networks of timm by name: how they are made, and what to say of one that cannot be."""

from typing import Any

import torch
from torch import Tensor, nn

from searchctl.trainer.core.errors import SettingsError
from searchctl.trainer.models.timm.library import timm
from searchctl.trainer.models.timm.mix_transformer import MIX_TRANSFORMERS
from searchctl.trainer.settings.catalog import unknown

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class TimmNetwork(nn.Module):
    """Base of what begins with pretrained weights: a network of timm, or the most of one."""

    name: str
    """timm's, with or without the tag of pretrained weights: convnext_tiny.fb_in1k."""
    options: dict[str, Any]
    """The further arguments with which timm makes it."""

    def timm_state(self) -> dict[str, Tensor]:
        """Return its tensors by timm's names; they are its own, and no copies."""
        raise NotImplementedError


class OwnNormalisation(nn.Module):
    """Images normalised by ImageNet's mean and deviation -> by those that a network is made for."""

    _scale: Tensor
    _shift: Tensor

    def __init__(self, net: Any) -> None:
        super().__init__()
        mean, std = (torch.tensor(net.pretrained_cfg[key]) for key in ("mean", "std"))
        scale = torch.tensor(IMAGENET_STD) / std
        shift = (torch.tensor(IMAGENET_MEAN) - mean) / std
        # not of the state dict: they follow from the name
        self.register_buffer("_scale", scale.view(3, 1, 1), persistent=False)
        self.register_buffer("_shift", shift.view(3, 1, 1), persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        """Return the images [B, 3, H, W] as the network wants them."""
        return images * self._scale + self._shift


def create(
    name: str, drop_path: float, options: dict[str, Any], kind: str = "encoder"
) -> tuple[Any, dict[str, Any]]:
    """Return timm's network with fresh weights, and the arguments with which it was made.

    Args:
        name: timm's name.
        drop_path: probability with which a residual branch is skipped in training; 0 also for
            networks for which timm has another default.
        options: further arguments of `timm.create_model`.
        kind: what a message calls it.

    Raises:
        SettingsError: timm has no such network, or it does not take these options.
    """
    wanted = {**options, "drop_path_rate": drop_path}
    for chosen in (wanted, options) if not drop_path else (wanted,):
        try:
            return timm.create_model(name, **chosen), chosen
        except TypeError as error:
            refused = error  # some networks have no branches to skip
        except (
            RuntimeError,
            AssertionError,
            ValueError,
            IndexError,
            NotImplementedError,
        ) as error:
            raise _refused(kind, name, options, error) from error
    raise _refused(kind, name, wanted, refused) from refused


def _refused(kind: str, name: str, options: dict[str, Any], error: Exception) -> SettingsError:
    architecture, _, tag = name.partition(".")
    if name in MIX_TRANSFORMERS:
        return SettingsError(
            f"{kind} '{name}' goes with segformer only: elsewhere take {MIX_TRANSFORMERS[name][0]}"
        )
    if architecture not in timm.list_models():
        return SettingsError(_unknown(kind, name))
    if "Invalid pretrained tag" in str(error):
        tags = [each.partition(".")[2] for each in timm.list_pretrained(f"{architecture}.*")]
        hint = unknown("tag", tag, tags) if tags else f"it has no tags: leave .{tag} out"
        return SettingsError(f"{kind} '{architecture}': {hint}")
    if "'drop_path_rate'" in str(error):
        return SettingsError(
            f"{kind} '{name}' has no residual branches that timm can skip: leave drop_path out"
        )
    return SettingsError(f"{kind} '{name}' cannot be built with {options}: {error}")


def _unknown(kind: str, name: str) -> str:
    """Say what was probably meant; what ended in _in22k has a tag with that today."""
    known = timm.list_models()
    for architecture in sorted(known, key=len, reverse=True):
        if name.startswith(f"{architecture}_"):
            ending = name.removeprefix(f"{architecture}_")
            tagged = [each for each in timm.list_pretrained(f"{architecture}.*") if ending in each]
            if tagged:
                meant = " or ".join(repr(each) for each in tagged)
                return f"unknown {kind} '{name}': weights have tags today, did you mean {meant}?"
    return unknown(kind, name, [*known, *MIX_TRANSFORMERS])
