"""Image classifiers: any timm network, by name."""

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
    """A timm network that classifies images: images [B, 3, H, W] -> logits [B, C, 1, 1].

    Its logits equal timm's. The encoder is the part that timm calls the features. The classifier is
    the last layer. The decoder is the part between them: pooling, a norm, or VGG's two large
    layers. timm's dropout and stochastic depth, which are on by default in some networks, are off
    unless a setting requests them.

    Images of any size are accepted if the network supports it: a transformer's positions are
    resampled, and images are padded to whole patches.

    Args:
        classes: channels of the logits.
        name: timm's name of the network.
        dropout: probability of dropping a channel before the classifier.
        drop_path: probability of skipping a residual branch of the encoder in training.

    Raises:
        SettingsError: timm has no such network, or it cannot be split into these three parts.
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
        """Return the tensors by timm's names, without the classifier's; they are not copies."""
        return {**self.encoder.net.state_dict(), **self.decoder.net.state_dict()}

    def _features(self, images: Tensor) -> object:
        size = tuple(images.shape[-2:])
        if self._only and self._only != size:
            only, given = ("x".join(map(str, each)) for each in (self._only, size))
            raise SettingsError(
                f"{KIND} '{self.name}' takes images of {only} pixels only, not {given}: "
                "set image_size to that, or use another network"
            )
        return super()._features(images)

    def _resampled(self, logits: Tensor, images: Tensor) -> Tensor:
        return logits  # one class per image: nothing to resample


class _Encoder(Encoder):
    def __init__(self, net: Any, head: Collection[str]) -> None:
        super().__init__()
        self.normalisation = OwnNormalisation(net)
        self.net = _part(net, {name for name, _ in net.named_children()} - {*head})
        self.net.forward = self.net.forward_features

    def forward(self, images: Tensor) -> Any:
        """Return timm's features: a feature map, or the tokens of a transformer."""
        return features_of(self.net, self.normalisation(images))

    def stages(self) -> list[list[nn.Module]]:
        """Return the modules of at most four stages; the stem belongs to the first."""
        return with_weights(feature_stages(self.net, _ends(self.net)))


class _Decoder(nn.Module):
    def __init__(self, net: Any, head: Collection[str], dropout: float) -> None:
        super().__init__()
        self.net = _part(net, head)
        # tensors of the network itself, such as a class token, belong to the encoder
        self.net._parameters, self.net._buffers = {}, {}
        self.net.forward = self.net.forward_head
        self.dropout = drop_channels(dropout)

    def forward(self, features: Any) -> Tensor:
        """Return the input of the classifier, [B, channels, 1, 1]."""
        pooled: Tensor = self.dropout(self.net(features)[:, :, None, None])
        return pooled


class _OnePixel(nn.Module):
    """The last layer as a classifier of one pixel: [B, channels, 1, 1] -> [B, classes, 1, 1]."""

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
    """Arguments of the constructor that allow images of any size."""
    head: tuple[str, ...]
    """Names of the modules between the features and the logits."""
    sizes: Sizes


@cache
def _traits(name: str) -> _Traits:
    """Find the traits of a network by running it on the meta device, which computes nothing."""
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
                f"{KIND} '{name}' cannot be split into features, pooling and one classifier "
                f"({error}): use another network"
            ) from error
        return _Traits(options, head, sizes_of(whole, _multiples(net), own))


def _any_size(name: str) -> tuple[Any, dict[str, Any]]:
    """Return the network and its options, with the option for images of any size if it exists."""
    try:
        net, _ = _create(name, 0.0, num_classes=2, dynamic_img_size=True)
    except SettingsError:  # most networks have no such option
        return _create(name, 0.0, num_classes=2)[0], {}
    return net, {"dynamic_img_size": True}


def _create(name: str, drop_path: float, **options: Any) -> tuple[Any, dict[str, Any]]:
    """Return the network without dropout; ours is applied before the classifier only."""
    net, options = create(name, drop_path, options, KIND)
    for module in net.modules():
        if isinstance(module, _DropoutNd):
            module.p = 0.0
        if hasattr(module, "drop_rate"):
            module.drop_rate = 0.0
    return net, options


def _without_classifier(net: Any) -> nn.Module:
    """Replace the last layer of a network by an identity, and return it.

    Raises:
        TypeError: the network has no last layer, or several.
    """
    last = net.get_classifier()
    names = [name for name, module in net.named_modules() if module is last]
    if not isinstance(last, nn.Linear | nn.Conv2d) or len(names) != 1:
        raise TypeError(f"its classifier is a {type(last).__name__}")
    net.set_submodule(names[0], nn.Identity())
    return last


def _used_by_head(net: Any, images: Tensor) -> tuple[str, ...]:
    """Return the names of the modules that run between the features and the logits."""
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
    """Return a network with some of the modules of `net`."""
    part = copy.copy(net)  # shallow: the modules and their weights are shared
    part._modules = {name: child for name, child in net.named_children() if name in names}
    return part


def _multiples(net: Any) -> list[int]:
    """Return the divisors to try for the sides of images."""
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
