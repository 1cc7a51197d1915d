"""Encoders whose last features are finer than they come: dilation in place of strides."""

from searchctl.trainer.core.errors import SettingsError
from searchctl.trainer.models.timm.any_size import AnySizeEncoder


def encoder_of_stride(name: str, output_stride: int, drop_path: float) -> AnySizeEncoder:
    """Return timm's network of that name with its last features at 1 / `output_stride`.

    Networks of convolutions (ResNets, ConvNeXts, EfficientNets, ...) have their last strides
    replaced by dilation, as timm and torchvision do it; of the others, such as transformers, only
    those are taken whose stride is the wanted one as they are.

    Raises:
        SettingsError: there is no such network, or it has no such output stride.
    """
    try:
        encoder = AnySizeEncoder(name, drop_path=drop_path, least=1, output_stride=output_stride)
    except SettingsError:
        # Some refuse the option as such; what else is wrong, they say again without it.
        encoder = AnySizeEncoder(name, drop_path=drop_path, least=1)
    stride = encoder.reductions[-1]
    if stride != output_stride:
        raise SettingsError(
            f"encoder '{name}' has output stride {stride} only, not {output_stride}: "
            "choose another output_stride, or an encoder that takes it, such as resnet50"
        )
    return encoder
