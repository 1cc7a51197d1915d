"""torchvision's DeepLabV3 on ResNet-50 and ResNet-101."""

from searchctl.trainer.weights.published.base import PublishedNetwork

DEEPLABV3 = PublishedNetwork(
    title="torchvision's DeepLabV3",
    model="deeplabv3",
    marks=("classifier.0.convs.0.0.weight", "classifier.4.weight"),
    rules=(
        (r"backbone\.", "encoder.net."),
        # the fourth branch there is a pooling, a convolution and a normalisation in one list
        (r"classifier\.0\.convs\.4\.1\.", "decoder.branches.4.block.0."),
        (r"classifier\.0\.convs\.4\.2\.", "decoder.branches.4.block.1."),
        (r"classifier\.0\.convs\.", "decoder.branches."),
        (r"classifier\.0\.project\.", "decoder.projection."),
        (r"classifier\.1\.", "decoder.block.0."),
        (r"classifier\.2\.", "decoder.block.1."),
        (r"classifier\.4\.", "classifier."),
        (r"aux_classifier\.4\.", "aux_classifier."),
        (r"aux_classifier\.([01])\.", r"aux_decoder.block.\1."),
    ),
)
