"""A user's directory with a network of their own: modules, a table, and files of no concern."""

SWEEP = """\
name: own
seed: 3
data: {{dataset: scenes, image_size: [24, 32], native_size: [24, 32], train: 16, val: 4, test: 2}}
training: {{model: "own_net:Net", epochs: {epochs}, batch_size: 4}}
space: {{lr: [1e-1, 1e-2], model_args.width: [4, 6]}}
code: [own_parts/kernel.json]
report: {{images: 0}}
"""
FILES = {
    "own_net.py": """\
from torch import nn
from own_parts.blocks import block


class Net(nn.Module):
    def __init__(self, classes, in_channels=3, width=4):
        super().__init__()
        self.body = block(in_channels, width)
        self.head = nn.Conv2d(width, classes, 1)

    def forward(self, images):
        return self.head(self.body(images))
""",
    "own_parts/__init__.py": "",
    "own_parts/blocks.py": """\
import json
from pathlib import Path

from torch import nn

KERNEL = json.loads(Path(__file__).with_name("kernel.json").read_text())


def block(before, after):
    return nn.Sequential(nn.Conv2d(before, after, KERNEL, padding=KERNEL // 2), nn.ReLU())
""",
    "own_parts/kernel.json": "3",
    "unrelated.py": "raise SystemExit('is not imported')",
}
TRAVELS = ["own_net.py", "own_parts/__init__.py", "own_parts/blocks.py", "own_parts/kernel.json"]


def write_own_code(folder, epochs=1, more=""):
    """Write the directory; return its sweep file."""
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    (folder / "sweep.yaml").write_text(SWEEP.format(epochs=epochs) + more)
    return folder / "sweep.yaml"
