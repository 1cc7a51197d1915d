"""timm encoders: any of timm's feature extractors, by name."""

from collections.abc import Iterator
from typing import Any

from torch import Tensor, nn

from searchctl.trainer.models.base import Encoder
from searchctl.trainer.models.timm.beit_sizes import features_of
from searchctl.trainer.models.timm.library import timm
from searchctl.trainer.models.timm.network import (
    OwnNormalisation,
    TimmNetwork,
    channel_options,
    create,
)


class TimmEncoder(Encoder, TimmNetwork):
    """A timm network as a feature pyramid, with fresh weights.

    Images [B, 3, H, W], normalised by ImageNet's mean and standard deviation, give a list of
    feature maps [B, channels, H / reduction, W / reduction], the largest first.

    Args:
        name: timm's name, with or without the tag of pretrained weights: convnext_tiny.fb_in1k.
        in_channels: channels of the images; see `channel_options`.
        drop_path: probability of skipping a residual branch in training; the default 0 also
            applies to networks with another default in timm.
        options: further arguments of the network's constructor, such as `out_indices` (by default
            the last four of its features) and `output_stride`.

    Raises:
        SettingsError: timm has no such network, or it does not accept these options.
    """

    def __init__(
        self, name: str, in_channels: int = 3, *, drop_path: float = 0.0, **options: Any
    ) -> None:
        super().__init__()
        self.name = name
        options = {"features_only": True, "out_indices": (-4, -3, -2, -1), **options}
        options |= channel_options(in_channels)
        self.net, self.options = create(name, drop_path, options)
        self.normalisation = OwnNormalisation(self.net, in_channels)
        self.channels: tuple[int, ...] = tuple(self.net.feature_info.channels())
        self.reductions: tuple[int, ...] = tuple(self.net.feature_info.reduction())
        self._channels_last = getattr(self.net, "output_fmt", None) == timm.layers.Format.NHWC

    def forward(self, images: Tensor) -> list[Tensor]:
        """Return the feature maps, the largest first."""
        features = features_of(self.net, self.normalisation(images))
        if self._channels_last:
            return [each.permute(0, 3, 1, 2).contiguous() for each in features]
        return features

    def timm_state(self) -> dict[str, Tensor]:
        """Return the tensors by timm's names; they are not copies."""
        state: dict[str, Tensor] = self.net.state_dict()
        return state

    def stages(self) -> list[list[nn.Module]]:
        """Return the modules of each stage; a stage ends at each feature map.

        The stem belongs to the first stage. A stage without weights, such as VGG's last pooling,
        is joined to the stage before.
        """
        return with_weights(self.feature_stages())

    def feature_stages(self) -> list[list[nn.Module]]:
        """Return one stage for each feature map; a stage may have no weights."""
        net = getattr(self.net, "model", self.net)
        return feature_stages(net, self.net.feature_info.module_name())


def feature_stages(net: nn.Module, names: list[str]) -> list[list[nn.Module]]:
    """Split the modules of `net` into stages.

    Each stage ends with a named module; the last one also has all modules after it.
    """
    ends = [_flat(name) for name in names]
    stages: list[list[nn.Module]] = [[]]
    for name, module in _units(net, ends):
        stages[-1].append(module)
        if name in ends[:-1]:
            stages.append([])
    return stages


def with_weights(stages: list[list[nn.Module]]) -> list[list[nn.Module]]:
    """Join each stage that has no weights to the one before."""
    joined = stages[:1]
    for stage in stages[1:]:
        if any(list(module.parameters()) for module in stage):
            joined.append(stage)
        else:
            joined[-1] = joined[-1] + stage
    return joined


def _flat(name: str) -> str:
    return name.replace(".", "_")  # timm's feature extractors flatten names in this way


def _units(net: nn.Module, ends: list[str], inside: str = "") -> Iterator[tuple[str, nn.Module]]:
    """Yield the largest modules that do not contain an end, in their order, with their names."""
    for child, module in net.named_children():
        name = _flat(f"{inside}{child}")
        if name not in ends and any(end.startswith(f"{name}_") for end in ends):
            yield from _units(module, ends, f"{name}_")
        else:
            yield name, module
