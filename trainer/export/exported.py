"""Writes a trained network for other programs, after a comparison with the network itself."""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal, TypeVar

import torch
from torch import Tensor
from torch.export import Dim, ExportedProgram
from upath import UPath

from searchctl.trainer.core.atomic_files import write_atomically
from searchctl.trainer.core.errors import SettingsError
from searchctl.trainer.data.resizing import Size
from searchctl.trainer.export.formats import ONNX, PT2, Format
from searchctl.trainer.export.whole import WholeNetwork, example
from searchctl.trainer.trained.model import TrainedModel

Result = TypeVar("Result")
Sizes = Literal["any", "fixed"]
TOLERANCE = 1e-3
"""Largest difference of two logits, as a share of the largest logit."""
_FORMATS: dict[str, Format] = {".onnx": ONNX, ".pt2": PT2}


@dataclass(frozen=True)
class Exported:
    """What was written."""

    sizes: Sizes
    """any: images of any size, from the smallest one of the network on. fixed: `size` only."""
    size: Size
    """Height and width at which the network was trained."""
    difference: float
    """Largest difference between its logits and those of the network, as compared."""


def export_model(model: TrainedModel, path: UPath, *, fixed: bool = False) -> Exported:
    """Write a network as .onnx or .pt2, for images of any size if it can be.

    Any number of images is a batch. The file has the description of the network as metadata
    `searchctl`. It is written only if its logits are those of the network, on random images of
    several sizes.

    Args:
        model: on the CPU.
        path: of the file; its ending names the format.
        fixed: whether to write it for the size of the training alone, which is faster to run.

    Raises:
        SettingsError: the ending is another one, a package is missing, or the network cannot be
            written in this format.
        OSError: the disk or the store does not accept the file.
    """
    if path.suffix not in _FORMATS:
        raise SettingsError(f"a model is exported as .onnx or .pt2, not as '{path.name}'")
    written_as = _FORMATS[path.suffix]
    if problem := written_as.problem():
        raise SettingsError(f"{path.name} {problem}")
    reason = ""
    for sizes in _tried(fixed):
        try:
            with _quiet():
                content, difference = _exported(model, written_as, sizes)
        except _Refused as error:
            reason = str(error)
            continue
        write_atomically(path, content)
        return Exported(sizes, model.description.images.image_size, difference)
    raise SettingsError(
        f"the network '{model.description.settings.model}' cannot be written as {path.suffix}: "
        f"{reason}"
    )


def _tried(fixed: bool) -> tuple[Sizes, ...]:
    return ("fixed",) if fixed else ("any", "fixed")


class _Refused(Exception):
    """The network cannot be written, or not with the same logits."""


def _exported(model: TrainedModel, written_as: Format, sizes: Sizes) -> tuple[bytes, float]:
    """Return the content of the file, and the largest difference of its logits."""
    height, width = size = model.description.images.image_size
    network = WholeNetwork(model).eval()
    # sizes that are no multiples of anything: a traced shortcut for multiples would be wrong
    traced = size if sizes == "fixed" else (height + 13, width + 29)
    compared = [size] if sizes == "fixed" else [size, (height + 32, width + 7), (height, width + 1)]
    program = _traced(network, example(model, traced, batch=2), sizes)
    content = _attempt(lambda: written_as.write(program, model.description.model_dump_json()))
    run = _attempt(lambda: written_as.read(content))
    pairs = ((example(model, each, batch=1 + place), each) for place, each in enumerate(compared))
    return content, max(_difference(network, run, images, each) for images, each in pairs)


def _traced(network: WholeNetwork, images: Tensor, sizes: Sizes) -> ExportedProgram:
    sides = {2: Dim.AUTO, 3: Dim.AUTO} if sizes == "any" else {}
    shapes = ({0: Dim.AUTO, **sides},)
    with torch.no_grad():
        return _attempt(lambda: torch.export.export(network, (images,), dynamic_shapes=shapes))


def _difference(
    network: WholeNetwork, run: Callable[[Tensor], Tensor], images: Tensor, size: Size
) -> float:
    with torch.no_grad():
        expected = network(images)
    found = _attempt(lambda: run(images))
    at = f"images of {size[0]}x{size[1]}"
    if found.shape != expected.shape:
        raise _Refused(f"for {at} its logits are {list(found.shape)}, not {list(expected.shape)}")
    difference = float((found - expected).abs().max())
    if not difference <= TOLERANCE * float(expected.abs().max()):
        raise _Refused(f"for {at} its logits differ by {difference:.2g}")
    return difference


def _attempt(step: Callable[[], Result]) -> Result:
    """Return the result of an exporter, all of whose errors mean that it cannot."""
    try:
        return step()
    except Exception as error:
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise _Refused(lines[0]) from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Leave out what the exporters say of their own workings."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
