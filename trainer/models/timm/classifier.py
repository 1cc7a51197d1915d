"""Classifiers of whole images: any of timm's, by name."""

import copy
from collections.abc import Collection
from functools import cache
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.modules.dropout import _DropoutNd

from searchctl.trainer.core.errors import SettingsError
from searchctl.trainer.models.base import Encoder, SegmentationModel, drop_channels
from searchctl.trainer.models.timm.beit_sizes import features_of
from searchctl.trainer.models.timm.encoder import feature_stages, with_weights
from searchctl.trainer.models.timm.network import OwnNormalisation, TimmNetwork, create
from searchctl.trainer.models.timm.traits import Sizes, over_all, sizes_of

KIND = "timm model"
_STAGES = 4


class TimmClassifier(SegmentationModel, TimmNetwork):
    """A network of timm for the class of an image: images [B, 3, H, W] -> logits [B, C, 1, 1].

    Its logits are timm's own. The encoder is what timm calls the features; the decoder is what
    comes between these and the last layer: pooling, a norm, or VGG's two large layers; the last
    layer alone is the classifier. timm's dropout and stochastic depth, which are on by default in
    some networks, are off where no setting asks for them.

    Images of any size are taken where the network can: a transformer's positions are resampled,
    and images are padded to whole patches.

    Args:
        classes: channels of the logits.
        name: timm's name of the network.
        dropout: probability with which a channel is dropped before the classifier.
        drop_path: probability with which a residual branch of the encoder is skipped in training.

    Raises:
        SettingsError: timm has no such network, or one that is no row of these three parts.
    """

    encoder: "_Encoder"
    decoder: "_Decoder"

    def __init__(
        self, classes: int, *, name: str, dropout: float = 0.0, drop_path: float = 0.0
    ) -> None:
        super().__init__()
        traits = _traits(name)
        self.name = name
        net, self.options = _create(name, drop_path, num_classes=classes, **traits.options)
        self.multiple, self.smallest, self._only = traits.sizes
        last = _without_classifier(net)
        self.encoder = _Encoder(net, traits.head)
        self.decoder = _Decoder(net, traits.head, dropout)
        self.classifier = _OnePixel(last)

    def timm_state(self) -> dict[str, Tensor]:
        """Return its tensors by timm's names, but the classifier's; they are its own."""
        return {**self.encoder.net.state_dict(), **self.decoder.net.state_dict()}

    def _features(self, images: Tensor) -> object:
        size = tuple(images.shape[-2:])
        if self._only and self._only != size:
            only, given = ("x".join(map(str, each)) for each in (self._only, size))
            raise SettingsError(
                f"{KIND} '{self.name}' takes images of {only} pixels only, not {given}: "
                "set image_size to that, or take another network"
            )
        return super()._features(images)

    def _resampled(self, logits: Tensor, images: Tensor) -> Tensor:
        return logits  # an image has one class


class _Encoder(Encoder):
    def __init__(self, net: Any, head: Collection[str]) -> None:
        super().__init__()
        self.normalisation = OwnNormalisation(net)
        self.net = _part(net, {name for name, _ in net.named_children()} - {*head})
        self.net.forward = self.net.forward_features

    def forward(self, images: Tensor) -> Any:
        """Return timm's features: a map, or the tokens of a transformer."""
        return features_of(self.net, self.normalisation(images))

    def stages(self) -> list[list[nn.Module]]:
        """Return the modules of up to four stages, the stem with the first."""
        return with_weights(feature_stages(self.net, _ends(self.net)))


class _Decoder(nn.Module):
    def __init__(self, net: Any, head: Collection[str], dropout: float) -> None:
        super().__init__()
        self.net = _part(net, head)
        self.net._parameters, self.net._buffers = {}, {}  # those that belong to none are features
        self.net.forward = self.net.forward_head
        self.dropout = drop_channels(dropout)

    def forward(self, features: Any) -> Tensor:
        """Return what the classifier takes, [B, channels, 1, 1]."""
        pooled: Tensor = self.dropout(self.net(features)[:, :, None, None])
        return pooled


class _OnePixel(nn.Module):
    """Logits as of an image of one pixel, [B, channels, 1, 1] -> [B, classes, 1, 1]."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits."""
        pooled = x if isinstance(self.layer, nn.Conv2d) else x.flatten(1)
        logits: Tensor = self.layer(pooled)
        return logits.flatten(1)[:, :, None, None]


class _Traits(NamedTuple):
    options: dict[str, Any]
    """Of the constructor: for images of any size."""
    head: tuple[str, ...]
    """The modules between the features and the logits."""
    sizes: Sizes


@cache
def _traits(name: str) -> _Traits:
    """Find out by trying on the meta device, where nothing is computed."""
    with torch.device("meta"), torch.random.fork_rng(devices=[]):
        net, options = _any_size(name)
        own = net.pretrained_cfg["input_size"]
        try:
            _without_classifier(net)
            head = _used_by_head(net, torch.empty(2, *own))
            whole = nn.Sequential(_Encoder(net, head), _Decoder(net, head, 0.0)).eval()
            whole(torch.empty(2, *own))
        except (AttributeError, IndexError, RuntimeError, TypeError, ValueError) as error:
            raise SettingsError(
                f"{KIND} '{name}' is no row of features, pooling and one classifier ({error}): "
                "take another network"
            ) from error
        return _Traits(options, head, sizes_of(whole, _multiples(net), own))


def _any_size(name: str) -> tuple[Any, dict[str, Any]]:
    """Return the network with the option for images of any size, if it has one."""
    try:
        net, _ = _create(name, 0.0, num_classes=2, dynamic_img_size=True)
    except SettingsError:  # most networks have no such option
        return _create(name, 0.0, num_classes=2)[0], {}
    return net, {"dynamic_img_size": True}


def _create(name: str, drop_path: float, **options: Any) -> tuple[Any, dict[str, Any]]:
    """Return the network without any dropout: ours comes before the classifier, and only there."""
    net, options = create(name, drop_path, options, KIND)
    for module in net.modules():
        if isinstance(module, _DropoutNd):
            module.p = 0.0
        if hasattr(module, "drop_rate"):
            module.drop_rate = 0.0
    return net, options


def _without_classifier(net: Any) -> nn.Module:
    """Take the last layer out of a network, and return it.

    Raises:
        TypeError: there is none, or several.
    """
    last = net.get_classifier()
    names = [name for name, module in net.named_modules() if module is last]
    if not isinstance(last, nn.Linear | nn.Conv2d) or len(names) != 1:
        raise TypeError(f"its classifier is a {type(last).__name__}")
    net.set_submodule(names[0], nn.Identity())
    return last


def _used_by_head(net: Any, images: Tensor) -> tuple[str, ...]:
    """Return the names of the network's modules that run between its features and its logits."""
    used: dict[str, None] = {}
    features = net.eval().forward_features(images)
    handles = [
        module.register_forward_pre_hook(lambda *_, name=name: used.update({name: None}))
        for name, child in net.named_children()
        for module in child.modules()
    ]
    net.forward_head(features)
    for handle in handles:
        handle.remove()
    return tuple(used)


def _part(net: Any, names: Collection[str]) -> Any:
    """Return the network with some of its modules alone."""
    part = copy.copy(net)
    part._modules = {name: child for name, child in net.named_children() if name in names}
    return part


def _multiples(net: Any) -> list[int]:
    """Return what sides of images may have to be divisible by."""
    reductions = [each["reduction"] for each in _feature_info(net)]
    return [1, *reductions[:1], *reductions[-1:]]


def _ends(net: Any) -> list[str]:
    """Return the names of the modules at which the stages end."""
    info = _feature_info(net)
    names = [each["module"] for each in info]
    if len(names) > _STAGES and len({each["reduction"] for each in info}) == 1:
        return [names[index] for index in over_all(len(names))]
    return names[-_STAGES:]


def _feature_info(net: Any) -> list[dict[str, Any]]:
    info = getattr(net, "feature_info", [])
    return info if isinstance(info, list) else []
