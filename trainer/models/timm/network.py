"""Creates timm networks by name, with error messages that suggest a fix."""

from typing import Any

import torch
from torch import Tensor, nn

from searchctl.searchspace.errors import unknown
from searchctl.trainer.core.errors import SettingsError
from searchctl.trainer.models.timm.library import timm
from searchctl.trainer.models.timm.mix_transformer import MIX_TRANSFORMERS

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class TimmNetwork(nn.Module):
    """Base of the modules that can have pretrained weights: a timm network, or most of one."""

    name: str
    """timm's name, with or without the tag of pretrained weights: convnext_tiny.fb_in1k."""
    options: dict[str, Any]
    """Further arguments of timm's constructor."""

    def timm_state(self) -> dict[str, Tensor]:
        """Return the tensors by timm's names; they are not copies."""
        raise NotImplementedError


class OwnNormalisation(nn.Module):
    """Converts images from ImageNet's mean and standard deviation to those of a network."""

    _scale: Tensor
    _shift: Tensor

    def __init__(self, net: Any, in_channels: int = 3) -> None:
        super().__init__()
        mean, std = (torch.tensor(net.pretrained_cfg[key]) for key in ("mean", "std"))
        scale = torch.tensor(IMAGENET_STD) / std
        shift = (torch.tensor(IMAGENET_MEAN) - mean) / std
        # not in the state dict, since they follow from the network's name
        colours = torch.arange(in_channels) % 3  # as timm repeats the weights of the three
        self.register_buffer("_scale", scale[colours].view(-1, 1, 1), persistent=False)
        self.register_buffer("_shift", shift[colours].view(-1, 1, 1), persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        """Return the images [B, channels, H, W] in the normalisation of the network."""
        return images * self._scale + self._shift


def channel_options(in_channels: int) -> dict[str, Any]:
    """Return timm's options of a network whose images have so many channels.

    Pretrained weights are for RGB. timm adapts those of the first convolution: the sum of the three
    for one channel; otherwise they are repeated in turn (red, green, blue, red, ...) and scaled by
    3 / channels, so that the sums stay of the same size.
    """
    return {} if in_channels == 3 else {"in_chans": in_channels}


def create(
    name: str, drop_path: float, options: dict[str, Any], kind: str = "encoder"
) -> tuple[Any, dict[str, Any]]:
    """Return timm's network with fresh weights, and the arguments of its constructor.

    Args:
        name: timm's name.
        drop_path: probability of skipping a residual branch in training; 0 also applies to
            networks with another default in timm.
        options: further arguments of `timm.create_model`.
        kind: word for the network in error messages.

    Raises:
        SettingsError: timm has no such network, or it does not accept these options.
    """
    wanted = {**options, "drop_path_rate": drop_path}
    for chosen in (wanted, options) if not drop_path else (wanted,):
        try:
            return timm.create_model(name, **chosen), chosen
        except TypeError as error:
            refused = error  # some networks have no residual branches, so drop_path is unknown
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
            f"{kind} '{name}' is for segformer only: for other models use "
            f"{MIX_TRANSFORMERS[name][0]}"
        )
    if architecture not in timm.list_models():
        return SettingsError(_unknown(kind, name))
    if "Invalid pretrained tag" in str(error):
        tags = [each.partition(".")[2] for each in timm.list_pretrained(f"{architecture}.*")]
        hint = unknown("tag", tag, tags) if tags else f"it has no tags: remove .{tag}"
        return SettingsError(f"{kind} '{architecture}': {hint}")
    if "'drop_path_rate'" in str(error):
        return SettingsError(
            f"{kind} '{name}' has no residual branches that timm can skip: remove drop_path"
        )
    return SettingsError(f"{kind} '{name}' cannot be built with {options}: {error}")


def _unknown(kind: str, name: str) -> str:
    """Return a message with the closest known name.

    Older versions of timm had names such as NAME_in22k; today that ending is a part of a tag.
    """
    known = timm.list_models()
    for architecture in sorted(known, key=len, reverse=True):
        if name.startswith(f"{architecture}_"):
            ending = name.removeprefix(f"{architecture}_")
            tagged = [each for each in timm.list_pretrained(f"{architecture}.*") if ending in each]
            if tagged:
                meant = " or ".join(repr(each) for each in tagged)
                return f"unknown {kind} '{name}': weights now have tags, did you mean {meant}?"
    return unknown(kind, name, [*known, *MIX_TRANSFORMERS])
