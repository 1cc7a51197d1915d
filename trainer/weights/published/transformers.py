"""Networks of the transformers library: UPerNet on ConvNeXt, and SegFormer."""

import torch

from searchctl.trainer.weights.published.base import PublishedNetwork, Tensors
from searchctl.trainer.weights.published.mmsegmentation import upernet_heads

UPERNET_CONVNEXT = PublishedNetwork(
    title="transformers' UPerNet on ConvNeXt",
    model="upernet",
    marks=("decode_head.fpn_bottleneck.conv.weight", "backbone.embeddings.layernorm.weight"),
    rules=(
        (r"backbone\.embeddings\.patch_embeddings\.", "encoder.timm.net.stem_0."),
        (r"backbone\.embeddings\.layernorm\.", "encoder.timm.net.stem_1."),
        (
            r"backbone\.encoder\.stages\.(\d)\.downsampling_layer\.",
            r"encoder.timm.net.stages_\1.downsample.",
        ),
        *(
            (
                rf"backbone\.encoder\.stages\.(\d)\.layers\.(\d+)\.{theirs}",
                rf"encoder.timm.net.stages_\1.blocks.\2.{ours}",
            )
            for theirs, ours in (
                ("layer_scale_parameter", "gamma"),
                (r"dwconv\.", "conv_dw."),
                (r"layernorm\.", "norm."),
                (r"pwconv(\d)\.", r"mlp.fc\3."),
            )
        ),
        *(
            (rf"backbone\.hidden_states_norms\.stage{stage + 1}\.", f"encoder.levels.{stage}.")
            for stage in range(4)
        ),
        *upernet_heads("conv", "batch_norm"),
        (r"decode_head\.classifier\.", "classifier."),
        (r"auxiliary_head\.classifier\.", "aux_classifier."),
    ),
)


def _keys_and_values(tensors: Tensors) -> Tensors:
    """Join the keys' and the values' weights, which are one tensor here."""
    joined = {}
    for name, tensor in tensors.items():
        if ".self.key." in name:
            values = tensors[name.replace(".self.key.", ".self.value.")]
            joined[name] = torch.cat([tensor, values])
        elif ".self.value." not in name:
            joined[name] = tensor
    return joined


_BLOCK = r"segformer\.encoder\.block\.(\d)\.(\d+)\."

SEGFORMER = PublishedNetwork(
    title="transformers' SegFormer",
    model="segformer",
    marks=("decode_head.linear_fuse.weight", "segformer.encoder.layer_norm.0.weight"),
    rules=(
        (r"segformer\.encoder\.patch_embeddings\.0\.proj\.", "encoder.timm.net.patch_embed.proj."),
        (
            r"segformer\.encoder\.patch_embeddings\.0\.layer_norm\.",
            "encoder.timm.net.patch_embed.norm.",
        ),
        (
            r"segformer\.encoder\.patch_embeddings\.(\d)\.proj\.",
            r"encoder.timm.net.stages_\1.downsample.proj.",
        ),
        (
            r"segformer\.encoder\.patch_embeddings\.(\d)\.layer_norm\.",
            r"encoder.timm.net.stages_\1.downsample.norm.",
        ),
        *(
            (_BLOCK + theirs, rf"encoder.timm.net.stages_\1.blocks.\2.{ours}")
            for theirs, ours in (
                (r"layer_norm_(\d)\.", r"norm\3."),
                (r"attention\.self\.query\.", "attn.q."),
                (r"attention\.self\.key\.", "attn.kv."),
                (r"attention\.self\.sr\.", "attn.sr."),
                (r"attention\.self\.layer_norm\.", "attn.norm."),
                (r"attention\.output\.dense\.", "attn.proj."),
                (r"mlp\.dense(\d)\.", r"mlp.fc\3."),
                (r"mlp\.dwconv\.dwconv\.", "mlp.dwconv."),
            )
        ),
        (r"segformer\.encoder\.layer_norm\.(\d)\.", r"encoder.timm.net.stages_\1.norm."),
        (r"decode_head\.linear_c\.(\d)\.proj\.", r"decoder.projections.\1."),
        (r"decode_head\.linear_fuse\.", "decoder.fuse.0."),
        (r"decode_head\.batch_norm\.", "decoder.fuse.1."),
        (r"decode_head\.classifier\.", "classifier."),
    ),
    joined=_keys_and_values,
)
