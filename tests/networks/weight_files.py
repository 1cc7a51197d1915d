"""What must repeat in a file of weights: its tensors, not what it says of the job."""

from pathlib import Path

from safetensors.torch import load_file


def tensors(path):
    """Return name, type and bits of each tensor."""
    held = load_file(Path(path))
    return {name: (each.dtype, each.shape, each.numpy().tobytes()) for name, each in held.items()}
