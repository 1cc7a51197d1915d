"""mmsegmentation's UPerNet on ConvNeXt, as mmpretrain's backbone names its tensors."""

from searchctl.trainer.weights.published.base import PublishedNetwork


def upernet_heads(conv: str, norm: str) -> tuple[tuple[str, str], ...]:
    """Return the rules of both heads, given the names of a block's convolution and its norm."""
    heads = (
        (r"decode_head\.psp_modules\.(\d+)\.1\.", r"decoder.bins.\1.block."),
        (r"decode_head\.bottleneck\.", "decoder.top."),
        (r"decode_head\.lateral_convs\.(\d+)\.", r"decoder.laterals.\1."),
        (r"decode_head\.fpn_convs\.(\d+)\.", r"decoder.blocks.\1."),
        (r"decode_head\.fpn_bottleneck\.", "decoder.fuse."),
        (r"auxiliary_head\.convs\.0\.", "aux_decoder.block."),
    )
    items = ((rf"{conv}\.", "0."), (rf"{norm}\.", "1."))
    return tuple((there + part, here + item) for there, here in heads for part, item in items)


UPERNET_CONVNEXT = PublishedNetwork(
    title="mmsegmentation's UPerNet on ConvNeXt",
    model="upernet",
    marks=("decode_head.fpn_bottleneck.conv.weight", "backbone.downsample_layers.0.0.weight"),
    rules=(
        (r"backbone\.downsample_layers\.0\.([01])\.", r"encoder.timm.net.stem_\1."),
        (
            r"backbone\.downsample_layers\.(\d)\.([01])\.",
            r"encoder.timm.net.stages_\1.downsample.\2.",
        ),
        *(
            (
                rf"backbone\.stages\.(\d)\.(\d+)\.{theirs}",
                rf"encoder.timm.net.stages_\1.blocks.\2.{ours}",
            )
            for theirs, ours in (
                ("gamma", "gamma"),
                (r"depthwise_conv\.", "conv_dw."),
                (r"norm\.", "norm."),
                (r"pointwise_conv(\d)\.", r"mlp.fc\3."),
            )
        ),
        (r"backbone\.norm(\d)\.", r"encoder.levels.\1."),
        *upernet_heads("conv", "bn"),
        (r"decode_head\.conv_seg\.", "classifier."),
        (r"auxiliary_head\.conv_seg\.", "aux_classifier."),
    ),
)
