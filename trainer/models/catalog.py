"""The networks by name: where each one is, and its options. Imports without torch.

An option of a network is None where it is left out, and the default of the network's constructor
holds. (aux_weight has a default of its own: the training loop reads it, not the constructor.)
"""

from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from searchctl.trainer.settings.marks import Mark, NoEffect
from searchctl.trainer.settings.parts import Options, Part
from searchctl.trainer.settings.texts import name_without_scheme, numbers_as_text, text_like

_DILATIONS = r"[1-9]\d*(,[1-9]\d*)*"
Dilations = Annotated[
    str,
    BeforeValidator(numbers_as_text),
    text_like(_DILATIONS, "such as [6, 12, 18]")[0],
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "array", "items": {"type": "integer", "minimum": 1}, "minItems": 1},
                {"type": "string", "pattern": f"^({_DILATIONS})$"},
            ]
        }
    ),
]


class WidthOptions(Options):
    """Of a network with a width to choose."""

    width: Annotated[int, Field(ge=1)] | None = None
    """Channels of the network's first stage, or of its head where the encoder has widths of its
    own; the network's own default if left out."""


class DropPathOptions(Options):
    """Of a network with residual branches."""

    drop_path: Annotated[
        Annotated[float, Field(ge=0, lt=1)] | None, Mark.SWITCH, Mark.REGULARISER
    ] = None
    """Probability with which a residual branch of the encoder is skipped in training (stochastic
    depth); 0 if left out."""


class EncoderOptions(DropPathOptions):
    """Of a network with an encoder to choose."""

    encoder: Annotated[str, Field(min_length=1), AfterValidator(name_without_scheme)] | None = None
    """Encoder of the network, by timm's name (convnext_tiny, resnet50s.gluon_in1k); the network's
    own default if left out."""


class HeadOptions(EncoderOptions, WidthOptions):
    """Of a head on an encoder to choose."""


class AuxiliaryHeadOptions(HeadOptions):
    """Of a network that can have an auxiliary head."""

    aux_loss: bool | None = None
    """Whether an auxiliary head is trained too; true if left out."""
    aux_weight: Annotated[float, Field(ge=0), NoEffect("aux_loss", (False,)), Mark.SAME_SPEED] = 0.4
    """Factor of the auxiliary head's loss."""


class OutputStrideOptions(AuxiliaryHeadOptions):
    """Of a network whose encoder can be dilated."""

    output_stride: Literal[8, 16, 32] | None = None
    """Pixels of the image to a pixel of the encoder's last features; less is finer and slower. 8 if
    left out."""


class UnetOptions(WidthOptions):
    """Of `unet`."""

    batch_norm: bool | None = None
    """Whether the network has batch normalisation; true if left out."""


class PspnetOptions(OutputStrideOptions):
    """Of `pspnet`."""

    ppm: bool | None = None
    """Whether the network has its pyramid pooling module; true if left out."""


class Deeplabv3Options(OutputStrideOptions):
    """Of `deeplabv3`."""

    aspp_rates: Dilations | None = None
    """Dilations of the network's pyramid, such as [6, 12, 18]; if left out, these at output stride
    16, and twice as much at 8."""


_HERE = "searchctl.trainer.models"

MODELS = {
    "simple_fcn": Part(f"{_HERE}.networks.simple_fcn:SimpleFCN", WidthOptions),
    "unet": Part(f"{_HERE}.networks.unet:UNet", UnetOptions),
    "swin2_jnet": Part(f"{_HERE}.networks.swin2_jnet:Swin2JNet", HeadOptions),
    "segformer": Part(f"{_HERE}.networks.segformer:SegFormer", HeadOptions),
    "upernet": Part(f"{_HERE}.networks.upernet:UPerNet", AuxiliaryHeadOptions),
    "simple_seg": Part(f"{_HERE}.networks.simple_seg:SimpleSeg", EncoderOptions),
    "pspnet": Part(f"{_HERE}.networks.pspnet:PSPNet", PspnetOptions),
    "fcn32s": Part(f"{_HERE}.networks.fcn32s:FCN32s", HeadOptions),
    "deeplabv3": Part(f"{_HERE}.networks.deeplabv3:DeepLabV3", Deeplabv3Options),
}
"""Name in a sweep.yaml -> the network."""

CLASSIFIER = Part(f"{_HERE}.timm.classifier:TimmClassifier", DropPathOptions)
"""What `timm:<name>` is."""

SMP = Part(f"{_HERE}.smp:SmpModel")
"""What `smp:<decoder>/<encoder>` is."""

SMP_DECODERS = {
    "deeplabv3": "DeepLabV3",
    "deeplabv3plus": "DeepLabV3Plus",
    "dpt": "DPT",
    "fpn": "FPN",
    "linknet": "Linknet",
    "manet": "MAnet",
    "pan": "PAN",
    "pspnet": "PSPNet",
    "segformer": "Segformer",
    "unet": "Unet",
    "unetplusplus": "UnetPlusPlus",
    "upernet": "UPerNet",
}
"""What `smp:<decoder>/<encoder>` may begin with -> its class in segmentation-models-pytorch."""


def constructor_options(network: Part) -> tuple[str, ...]:
    """Return the names of the options that the network's constructor takes.

    >>> constructor_options(MODELS["upernet"])
    ('width', 'drop_path', 'encoder', 'aux_loss')
    """
    fields = network.options.model_fields.items()
    return tuple(name for name, field in fields if field.default is None)
