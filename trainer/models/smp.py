"""Networks of segmentation-models-pytorch, if that package is installed."""

from importlib import import_module
from typing import Any

from torch import Tensor, nn
from torch.nn.modules.dropout import _DropoutNd

from searchctl.searchspace.errors import unknown
from searchctl.trainer.core.errors import SettingsError
from searchctl.trainer.models.base import Encoder, SegmentationModel, drop_channels
from searchctl.trainer.models.timm.encoder import feature_stages, with_weights
from searchctl.trainer.models.timm.library import timm
from searchctl.trainer.settings.catalog import SMP_DECODERS

PAN_SMALLEST = 7 * 16 + 1
"""Smallest image side for PAN: it halves features of stride 16 three times."""


class SmpModel(SegmentationModel):
    """A network of segmentation-models-pytorch (smp), split in our three parts, with fresh weights.

    Its logits equal those of smp. Two things differ, to keep trials comparable. Images of any size
    are padded to a multiple of the network's stride. smp's own dropout and stochastic depth, which
    are on by default in some decoders and encoders, are off.

    smp has the MIT licence, but some of its parts have another one. Its mix_transformer encoders
    (mit_b0 to mit_b5) are NVIDIA's, for non-commercial use only, and its mobileone encoders are
    Apple's. Our `segformer` is the same network as smp:segformer/mit_b0, on timm's encoder.

    Args:
        classes: channels of the logits.
        in_channels: channels of the images; 3 for RGB.
        decoder: a key of `catalog.SMP_DECODERS`.
        encoder: smp's name of the encoder (resnet34), or tu- and timm's name (tu-efficientnet_b0).
        dropout: probability of dropping a channel before the classifier.

    Raises:
        SettingsError: smp is not installed, has no such encoder, or cannot combine it with this
            decoder.
    """

    def __init__(
        self,
        classes: int,
        *,
        in_channels: int = 3,
        decoder: str = "fpn",
        encoder: str,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        net = _create(decoder, encoder, classes, in_channels)
        _disable_dropout(net)
        # DPT's decoder first halves the features of its encoder
        self.multiple = net.encoder.output_stride * (2 if decoder == "dpt" else 1)
        self.smallest = PAN_SMALLEST if decoder == "pan" else 1
        self.encoder = _Encoder(net.encoder)
        self.decoder = _Decoder(net.decoder, dropout)
        self.classifier = net.segmentation_head


class _Encoder(Encoder):
    def __init__(self, net: Any) -> None:
        super().__init__()
        self.net = net

    def forward(self, images: Tensor) -> Any:
        """Return the output of smp's encoder: features, or a tuple of features and tokens."""
        return self.net(images)

    def stages(self) -> list[list[nn.Module]]:
        """Return the modules of each stage.

        A stage ends at each feature map of a timm encoder. smp's own encoders name at most the
        stages at strides 16 and 32.
        """
        network = getattr(self.net, "model", None)
        if network is None:
            return _named_stages(self.net)
        return with_weights(feature_stages(network, self._ends(network)))

    def _ends(self, network: Any) -> list[str]:
        """Return the names of the modules in timm's network that return the features."""
        if not hasattr(self.net, "output_strides"):
            return list(network.feature_info.module_name())
        taken = self.net._output_indices  # a ViT of DPT, which smp does not split into features
        return [network.feature_info[index]["module"] for index in taken]


class _Decoder(nn.Module):
    def __init__(self, net: nn.Module, dropout: float) -> None:
        super().__init__()
        self.net = net
        self.dropout = drop_channels(dropout)

    def forward(self, features: Any) -> Tensor:
        """Return the input of the classifier."""
        x = self.net(*features) if isinstance(features, tuple) else self.net(features)
        dropped: Tensor = self.dropout(x)
        return dropped


def _create(decoder: str, encoder: str, classes: int, in_channels: int) -> Any:
    library = _library()
    make = getattr(library, SMP_DECODERS[decoder])
    for options in _attempts(decoder, encoder):
        try:
            return make(
                encoder, encoder_weights=None, in_channels=in_channels, classes=classes, **options
            )
        except TypeError as error:
            refused: Exception = error  # the encoder does not have the option
        except (KeyError, RuntimeError, ValueError, AssertionError) as error:
            refused = error
            break
    raise _refusal(library, decoder, encoder, refused) from refused


def _attempts(decoder: str, encoder: str) -> list[dict[str, Any]]:
    """Return the encoder's options to try, in order."""
    # DPT's ViT would keep an unused classifier of 1,000 classes
    options: dict[str, Any] = {"num_classes": 0} if decoder == "dpt" else {}
    # timm's networks of a fixed size accept any size only with this option
    any_size = [{**options, "dynamic_img_size": True}] if encoder.startswith("tu-") else []
    return [*any_size, options]


def _library() -> Any:
    try:
        return import_module("segmentation_models_pytorch")
    except ModuleNotFoundError as error:
        raise SettingsError(
            "model: smp:.. needs segmentation-models-pytorch: install searchctl[smp]"
        ) from error


def _refusal(library: Any, decoder: str, encoder: str, error: Exception) -> Exception:
    if "meta tensors" in str(error):  # the constructor computes values, as that of mit_b0
        return NotImplementedError(f"smp:{decoder}/{encoder} cannot be built on the meta device")
    known = [
        *library.encoders.get_encoder_names(),
        *(f"tu-{name}" for name in timm.list_models()),
    ]
    if encoder.partition(".")[0] in known:
        return SettingsError(f"smp:{decoder} cannot be built on encoder '{encoder}': {error}")
    return SettingsError(unknown("encoder", encoder, known))


def _disable_dropout(net: nn.Module) -> None:
    """Set all dropout and stochastic depth probabilities to 0."""
    for module in net.modules():
        if isinstance(module, _DropoutNd):
            module.p = 0.0
        # attributes of timm's DropPath and of EfficientNet
        for name in ("drop_prob", "_drop_connect_rate"):
            if hasattr(module, name):
                setattr(module, name, 0.0)


def _named_stages(net: Any) -> list[list[nn.Module]]:
    try:
        named = [list(stage) for stage in net.get_stages().values()]
    except NotImplementedError:
        return [list(net.children())]
    later = {id(each) for stage in named for part in stage for each in part.modules()}
    return [list(_without(net, later)), *named]


def _without(net: nn.Module, later: set[int]) -> list[nn.Module]:
    """Return the largest modules of `net` that contain no module of `later` (ids)."""
    found = []
    for child in net.children():
        if not later & {id(each) for each in child.modules()}:
            found.append(child)
        elif id(child) not in later:
            found += _without(child, later)
    return found
