"""Any network of segmentation-models-pytorch, as its `save_pretrained` writes it."""

from searchctl.trainer.weights.published.base import PublishedNetwork

ANY = PublishedNetwork(
    title="a network of segmentation-models-pytorch",
    model="smp:",
    marks=("segmentation_head.0.weight",),
    rules=(
        (r"encoder\.", "encoder.net."),
        (r"decoder\.", "decoder.net."),
        (r"segmentation_head\.", "classifier."),
    ),
)
