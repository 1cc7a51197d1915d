"""The types of settings that are names: checked against the catalog, without torch."""

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, WithJsonSchema

from searchctl.searchspace.errors import unknown
from searchctl.searchspace.values import Record
from searchctl.trainer.settings import catalog
from searchctl.trainer.settings.pipelines.checks import TOP, pipeline_problems
from searchctl.trainer.settings.pipelines.tree import normal
from searchctl.trainer.settings.refusal import refuse
from searchctl.trainer.settings.source.own import IMPORT_PATH, offered, own_part
from searchctl.trainer.settings.sums import sum_problem
from searchctl.trainer.settings.texts import text_like

PIPELINE_FILES = (".json", ".yaml", ".yml")
"""How the name of a pipeline's file ends."""


def _one_of(kind: str, names: Collection[str]) -> AfterValidator:
    def check(name: str) -> str:
        if name not in names:
            raise ValueError(unknown(kind, name, names))
        return name

    return AfterValidator(check)


def _part_of(kind: str, names: Collection[str]) -> AfterValidator:
    """Check the name of one of ours, of an installed package's, or an import path."""

    def check(name: str) -> str:
        if problem := _part_problem(kind, name, names):
            raise ValueError(problem)
        return name

    return AfterValidator(check)


def _part_problem(kind: str, name: str, names: Collection[str]) -> str:
    if name in names or own_part(kind, name) is not None:
        return ""
    if ":" in name:
        return f"{name!r} is no import path: write module:object, such as my_code:Name"
    return unknown(kind, name, [*names, *offered(kind)])


def _enum(names: Iterable[str]) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "enum": list(names)})


def _enum_or_path(names: Iterable[str]) -> WithJsonSchema:
    path = {"type": "string", "pattern": f"^{IMPORT_PATH}$"}
    return WithJsonSchema({"anyOf": [{"enum": list(names)}, path]})


def _model(name: str) -> str:
    kind, colon, named = name.partition(":")
    problem = _BY_KIND[kind](named) if colon and kind in _BY_KIND else _plain_problem(name)
    if problem:
        raise ValueError(problem)
    return name


def _plain_problem(name: str) -> str:
    problem = _part_problem("model", name, catalog.MODELS)
    if not problem or "did you mean" in problem or not re.fullmatch(_TIMM, name):
        return problem
    return f"{problem}; a classifier of whole images is written timm:{name}"


def _smp_problem(name: str) -> str:
    decoder, _, encoder = name.partition("/")
    if not encoder:
        return f"'smp:{name}' lacks its encoder: smp:{decoder}/resnet34"
    if ":" in encoder:
        return f"'{encoder}' names a place, not an encoder of segmentation-models-pytorch"
    known = decoder in catalog.SMP_DECODERS
    return "" if known else unknown("decoder", decoder, catalog.SMP_DECODERS)


def _timm_problem(name: str) -> str:
    # timm takes seconds to import: whether it has the network is checked when a sweep is launched
    return "" if re.fullmatch(_TIMM, name) else "timm: lacks its name, such as timm:vgg13_bn"


def _augment(written: object) -> object:
    if isinstance(written, str):
        if written.endswith(PIPELINE_FILES):
            raise ValueError(f"'{written}' is a file, which is read where a sweep file names it")
        if problem := _part_problem("augment", written, catalog.AUGMENTATIONS):
            raise ValueError(problem)
        return written
    if not isinstance(written, Mapping):
        raise ValueError(f"must be a name, or a pipeline: {{{TOP}: [..]}}")
    if problems := pipeline_problems(written):
        raise refuse(problems, written)
    return normal(written)


_TIMM = r"\w[\w.-]*"
_BY_KIND = {"smp": _smp_problem, "timm": _timm_problem}


ModelName = Annotated[
    str,
    AfterValidator(_model),
    WithJsonSchema(
        {
            "anyOf": [
                {"enum": list(catalog.MODELS)},
                {"type": "string", "pattern": rf"^smp:.+/.+$|^timm:.+$|^{IMPORT_PATH}$"},
            ]
        }
    ),
]


def _loss(loss: str | dict[str, float]) -> str | Record:
    if isinstance(loss, str):
        problem = _part_problem("loss", loss, catalog.LOSSES)
    else:
        problem = sum_problem(loss, catalog.LOSSES)
    if problem:
        raise ValueError(problem)
    return loss if isinstance(loss, str) else Record(loss)  # hashable, as names are


_WEIGHTS = {
    "type": "object",
    "description": "A weighted sum of losses.",
    "minProperties": 1,
    "additionalProperties": False,
    "properties": {name: {"type": "number", "minimum": 0} for name in catalog.LOSSES},
}
LossChoice = Annotated[
    str | dict[str, float],
    AfterValidator(_loss),
    WithJsonSchema(
        {
            "anyOf": [
                {"enum": list(catalog.LOSSES)},
                {"type": "string", "pattern": f"^{IMPORT_PATH}$"},
                _WEIGHTS,
            ]
        }
    ),
]
OptimizerName = Annotated[
    str, _part_of("optimizer", catalog.OPTIMIZERS), _enum_or_path(catalog.OPTIMIZERS)
]
LRScheduleName = Annotated[
    str, _part_of("lr_schedule", catalog.LR_SCHEDULES), _enum_or_path(catalog.LR_SCHEDULES)
]
AugmentChoice = Annotated[
    str | dict[str, Any],
    BeforeValidator(_augment),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "enum": list(catalog.AUGMENTATIONS)},
                {"type": "string", "pattern": rf"\.(json|ya?ml)$|^{IMPORT_PATH}$"},
                {
                    "type": "object",
                    "properties": {TOP: {"type": ["array", "object"]}},
                    "required": [TOP],
                    "additionalProperties": False,
                },
            ]
        }
    ),
]

FinetuneName = Annotated[
    str,
    *text_like(
        r"all|decoder|classifier|frozen_decoder|last_[1-9]\d*",
        "all, decoder, classifier, frozen_decoder, or last_K (K stages of the encoder)",
    ),
]
InitName = Annotated[
    str,
    *text_like(
        r"scratch|pretrained|checkpoint:\S.*|torchvision:\w+|hf:[\w.-]+/[\w.-]+",
        "scratch, pretrained, checkpoint:SWEEP (or a file), torchvision:NAME or hf:OWNER/NAME",
    ),
]
