"""The two formats of files: how a traced network is written, and how it is run again."""

import io
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.export import ExportedProgram

from searchctl.trainer.core.extras import onnx_problem

KEY = "searchctl"
"""Key of the description in the metadata of a file."""


@dataclass(frozen=True)
class Format:
    """A format of files."""

    problem: Callable[[], str | None]
    """Returns which packages are missing; None if all are installed."""
    write: Callable[[ExportedProgram, str], bytes]
    """Returns the content of a file, given the traced network and its description."""
    read: Callable[[bytes], Callable[[Tensor], Tensor]]
    """Returns the network of a file's content, as a function of images."""


def _write_onnx(program: ExportedProgram, description: str) -> bytes:
    written = torch.onnx.export(
        program, dynamo=True, verbose=False, input_names=["images"], output_names=["logits"]
    )
    assert written is not None, "the dynamo exporter returns a program"
    proto = written.model_proto
    entry = proto.metadata_props.add()
    entry.key, entry.value = KEY, description
    return bytes(proto.SerializeToString())


def _read_onnx(content: bytes) -> Callable[[Tensor], Tensor]:
    import onnxruntime

    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    return lambda images: torch.from_numpy(session.run(None, {"images": images.numpy()})[0])


def _write_pt2(program: ExportedProgram, description: str) -> bytes:
    buffer = io.BytesIO()
    torch.export.save(program, buffer, extra_files={KEY: description})
    return buffer.getvalue()


def _read_pt2(content: bytes) -> Callable[[Tensor], Tensor]:
    module = torch.export.load(io.BytesIO(content)).module()
    return lambda images: module(images)


ONNX = Format(onnx_problem, _write_onnx, _read_onnx)
PT2 = Format(lambda: None, _write_pt2, _read_pt2)
