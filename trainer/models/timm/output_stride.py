"""Encoders with a smaller output stride: dilation in place of strides."""

from searchctl.trainer.core.errors import SettingsError
from searchctl.trainer.models.timm.any_size import AnySizeEncoder


def encoder_of_stride(
    name: str, output_stride: int, drop_path: float, in_channels: int = 3
) -> AnySizeEncoder:
    """Return a timm encoder whose last features have 1 / `output_stride` of the image's size.

    In convolutional networks (ResNets, ConvNeXts, EfficientNets, ...), the last strides are
    replaced by dilation, as in timm and torchvision. Other networks, such as transformers, are
    accepted only if they already have this output stride.

    Raises:
        SettingsError: there is no such network, or it does not support this output stride.
    """
    try:
        encoder = AnySizeEncoder(
            name, in_channels, drop_path=drop_path, least=1, output_stride=output_stride
        )
    except SettingsError:
        # some networks do not have the option; any other error is raised again without it
        encoder = AnySizeEncoder(name, in_channels, drop_path=drop_path, least=1)
    stride = encoder.reductions[-1]
    if stride != output_stride:
        raise SettingsError(
            f"encoder '{name}' has output stride {stride} only, not {output_stride}: "
            "choose another output_stride, or an encoder that supports it, such as resnet50"
        )
    return encoder
