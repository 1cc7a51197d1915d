"""Tiny networks of the families of which timm has no `test_` variant, by names that timm knows."""

from searchctl.trainer.models.timm.library import timm

__all__ = ["tiny_beit", "tiny_pvt_v2", "tiny_swinv2", "tiny_vgg"]  # timm reads it

timm.models.vgg.cfgs["tiny"] = [8, "M", 16, "M", 24, "M", 32, "M", 48, "M"]


def tiny_beit(pretrained=False, **options):
    sizes = {"embed_dim": 16, "depth": 4, "num_heads": 2}
    return timm.models.beit.beit_base_patch16_224(pretrained, **{**sizes, **options})


def tiny_pvt_v2(pretrained=False, **options):
    sizes = {"depths": (1, 1, 1, 1), "embed_dims": (8, 16, 32, 64), "num_heads": (1, 2, 4, 8)}
    return timm.models.pvt_v2.pvt_v2_b0(pretrained, **{**sizes, **options})


def tiny_swinv2(pretrained=False, **options):
    sizes = {"depths": (1, 1, 1, 1), "embed_dim": 16, "num_heads": (1, 2, 4, 8), "window_size": 4}
    return timm.models.swin_transformer_v2.swinv2_tiny_window8_256(
        pretrained, **{**sizes, **options}
    )


def tiny_vgg(pretrained=False, **options):
    # mlp_ratio is of its fully connected layers, which cost most and are then left out
    return timm.models.vgg._create_vgg("tiny", pretrained, **{"mlp_ratio": 0.01, **options})


for entry in (tiny_beit, tiny_pvt_v2, tiny_swinv2, tiny_vgg):
    timm.models.register_model(entry)
