"""The Mix Transformers of SegFormer, as settings of timm's PVT v2."""

from typing import Any

_MLP_RATIOS = {"mlp_ratios": (4, 4, 4, 4)}

MIX_TRANSFORMERS: dict[str, tuple[str, dict[str, Any]]] = {
    f"mit_b{size}": (f"pvt_v2_b{size}", _MLP_RATIOS) for size in range(6)
}
"""Name -> timm's name, and the arguments of its constructor.

The networks of Xie et al., 'SegFormer' (2021), table 6, and of Wang et al., 'PVT v2' (2022), table
1, differ only in the width of the MLPs in the first two stages: four times the channels here, eight
times in PVT v2. So timm's pretrained weights match only mit_b5, which equals pvt_v2_b5.
"""
