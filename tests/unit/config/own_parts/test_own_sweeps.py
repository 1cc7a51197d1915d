"""Own parts in a sweep.yaml: checked from their source, without an import."""

import subprocess
import sys

import jsonschema
import pytest

from searchctl.orchestrator.config.checks.own_code.parts import schemas_of_arguments
from searchctl.orchestrator.config.checks.own_code.paths import check_code_paths
from searchctl.orchestrator.config.json_schema import json_schema
from searchctl.orchestrator.config.load import load_sweep
from searchctl.orchestrator.config.parsing.problems import SweepError
from searchctl.orchestrator.config.parsing.yaml_source import load_yaml
from searchctl.trainer.settings.source.signatures import REQUIRED, read_signature
from tests.own_parts.own_modules import EXAMPLE

CODE = """
from functools import partial
from typing import Literal
from torch import nn
from pydantic import BaseModel, Field

class ResUNet(nn.Module):
    def __init__(self, classes, *, depth: int, norm: Literal["batch", "group"] = "batch"):
        super().__init__()

class Wider(ResUNet):
    pass

class Options(BaseModel):
    rate: float = Field(ge=0)

class WithOptions(nn.Module):
    def __init__(self, classes, options: Options): ...

def anything(classes, **more): ...

narrow = partial(ResUNet, depth=2)

raise RuntimeError("this module is never imported")
"""
TEXT = """name: s
data: {{dataset: scenes, native_size: [48, 64], image_size: [24, 32], train: 16, val: 8}}
training:
  epochs: 1
  {training}
space:
  lr: [1e-2, 1e-3]
  {space}
"""


@pytest.fixture
def read(tmp_path):
    (tmp_path / "my_nets.py").write_text(CODE)
    (tmp_path / "broken.py").write_text("import torch\n\ndef loss(logits, labels:\n    pass\n")

    def read(training="", space=""):
        file = tmp_path / "sweep.yaml"
        file.write_text(TEXT.format(training=training, space=space))
        return load_sweep(file)

    return read


@pytest.fixture
def refused(read, tmp_path):
    def refused(**lines):
        with pytest.raises(SweepError) as caught:
            read(**lines)
        return str(caught.value).replace(f"{tmp_path}/", "")

    return refused


@pytest.mark.parametrize(
    ("training", "space"),
    [
        ("model: my_nets:ResUNet\n  model_args: {depth: 3}", ""),
        ("model: my_nets:ResUNet", "model_args: {depth: [3, 4]}"),
        ("model: my_nets:ResUNet", "model_args.depth: [3, 4]"),
        ("model: my_nets:ResUNet", "depth: [3, 4]"),
        ("model: my_nets:Wider", "points: [{depth: 3}, {depth: 4, model_args.norm: group}]"),
        ("model: my_nets:anything\n  model_args: {whatever: 1}", ""),
        ("model: my_nets:narrow", ""),
        ("model: my_nets:WithOptions\n  model_args: {rate: 1}", ""),
        ("optimizer: torch.optim:NAdam", "optimizer_args.momentum_decay: [0.004, 0.01]"),
        ("loss: torch.nn:CrossEntropyLoss", "label_smoothing: [0, 0.1]"),
    ],
)
def test_a_sweep_of_own_parts_is_valid(read, training, space):
    assert len(read(training, space).trials()) >= 2


def test_a_short_name_of_an_option_is_searched_as_an_argument(read):
    sweep = read("model: my_nets:ResUNet", "depth: {values: [3, 4]}")
    assert sweep.space_.names == ("lr", "model_args.depth")


@pytest.mark.parametrize(
    ("training", "space", "problem"),
    [
        (
            "model: my_nets:ResUnet",
            "",
            "sweep.yaml:5 training.model: my_nets.py has no 'ResUnet': did you mean 'ResUNet'?",
        ),
        ("model: my_netz:ResUNet", "", "there is no module 'my_netz': did you mean 'my_nets'?"),
        ("loss: broken:loss", "", "sweep.yaml:5 training.loss: broken.py:3: "),
        ("", "model: [unet, my_nets:x]", "sweep.yaml:8 space.model[1]: my_nets.py has no 'x'"),
        (
            "model: my_nets:ResUNet",
            "",
            "training.model: my_nets:ResUNet needs depth, which has no default: write model_args",
        ),
        (
            "model: my_nets:ResUNet",
            "depht: [3, 4]",
            "sweep.yaml:8 space.depht: unknown key 'depht'",
        ),
        (
            "model: my_nets:ResUNet",
            "model_args: {depht: [3, 4]}",
            "sweep.yaml:8 space.model_args.depht: my_nets:ResUNet has no parameter 'depht': did yo",
        ),
        (
            "model: my_nets:ResUNet",
            "depth: [3, four]",
            "sweep.yaml:8 space.model_args.depth[1]: input should be a valid integer, for my_nets:",
        ),
        (
            "model: my_nets:ResUNet",
            "points: [{depth: 3, model_args.norm: layer}]",
            "sweep.yaml:8 space.points[0].model_args.norm: input should be 'batch' or 'group'",
        ),
        ("model_args: {depth: 3}", "", "is of no use with model: simple_fcn, whose options are"),
        (
            "model: my_nets:ResUNet\n  model_args: {depth: 3}\n  dropout: 0.1",
            "",
            "sweep.yaml:7 training.dropout: my_nets:ResUNet has no parameter dropout: leave it out",
        ),
        (
            "optimizer: torch.optim:NAdam\n  optimizer_args: {lr: 0.1}",
            "",
            "training.optimizer_args.lr: is a setting of its own: write lr under training",
        ),
        ("model: my-nets:ResUNet", "", "'my-nets:ResUNet' is no import path: write module:object"),
        (
            "model: my_nets:ResUNet\n  width: 3",
            "",
            "arguments of a network of your own are written as model_args.width",
        ),
    ],
)
def test_what_is_wrong_with_an_own_part_is_said_with_its_line(refused, training, space, problem):
    assert problem in refused(training=training, space=space)


def test_the_schema_of_a_file_has_the_arguments_of_its_parts():
    source = load_yaml(EXAMPLE / "sweep.yaml")
    validator = jsonschema.Draft202012Validator(json_schema(schemas_of_arguments(source)))
    validator.validate(source.value)
    wrong = {**source.value, "space": {"model_args.depth": ["three"]}}
    assert not validator.is_valid(wrong)
    training = {**source.value["training"], "model_args": {"depht": 3}}
    assert not validator.is_valid({**source.value, "training": training})


def test_torchs_own_signatures_are_read_through_its_imports():
    found = read_signature("torch.optim:NAdam", None)
    assert found.is_class
    assert [each.name for each in found.parameters if each.default is REQUIRED] == ["params"]


def test_validating_own_parts_imports_neither_them_nor_torch(tmp_path):
    program = (
        "import sys; from searchctl.orchestrator.config.load import load_sweep; "
        f"load_sweep({str(EXAMPLE / 'sweep.yaml')!r}); "
        "print([name for name in ('torch', 'my_nets', 'ray') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


def test_paths_of_code_that_are_missing_are_named_with_their_lines(tmp_path):
    file = tmp_path / "sweep.yaml"
    file.write_text(
        "name: s\ndata: {dataset: scenes}\nspace: {lr: [0.1, 0.2]}\ncode:\n- .\n- no.json\n"
    )
    with pytest.raises(SweepError) as refused:
        check_code_paths(load_sweep(file), file)
    (problem,) = refused.value.problems
    assert (problem.path, problem.line) == (("code", 1), 6)
    assert problem.message.startswith(f"there is no {tmp_path / 'no.json'}")
