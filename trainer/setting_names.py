"""The types of settings that are names: checked against the catalog, torch-free."""

import re
from collections.abc import Collection, Iterable
from typing import Annotated

from pydantic import AfterValidator, WithJsonSchema

from trainer import catalog


def _one_of(kind: str, names: Collection[str]) -> AfterValidator:
    def check(name: str) -> str:
        if name not in names:
            raise ValueError(catalog.unknown(kind, name, names))
        return name

    return AfterValidator(check)


def _enum(names: Iterable[str]) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "enum": list(names)})


def _model(name: str) -> str:
    decoder, _, encoder = name.removeprefix("smp:").partition("/")
    if not name.startswith("smp:"):
        problem = "" if name in catalog.MODELS else catalog.unknown("model", name, catalog.MODELS)
    elif not encoder:
        problem = f"'{name}' lacks its encoder: smp:{decoder}/resnet34"
    else:
        known = decoder in catalog.SMP_DECODERS
        problem = "" if known else catalog.unknown("decoder", decoder, catalog.SMP_DECODERS)
    if problem:
        raise ValueError(problem)
    return name


ModelName = Annotated[
    str,
    AfterValidator(_model),
    WithJsonSchema(
        {"anyOf": [{"enum": list(catalog.MODELS)}, {"type": "string", "pattern": "^smp:.+/.+$"}]}
    ),
]
LossName = Annotated[str, _one_of("loss", catalog.LOSSES), _enum(catalog.LOSSES)]
OptimizerName = Annotated[str, _one_of("optimizer", catalog.OPTIMIZERS), _enum(catalog.OPTIMIZERS)]
LRScheduleName = Annotated[
    str, _one_of("lr_schedule", catalog.LR_SCHEDULES), _enum(catalog.LR_SCHEDULES)
]
AugmentName = Annotated[
    str, _one_of("augment", catalog.AUGMENTATIONS), _enum(catalog.AUGMENTATIONS)
]


def _like(pattern: str, examples: str) -> tuple[AfterValidator, WithJsonSchema]:
    def check(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError(f"must be {examples}, not {text!r}")
        return text

    return AfterValidator(check), WithJsonSchema({"type": "string", "pattern": f"^({pattern})$"})


FinetuneName = Annotated[
    str,
    *_like(
        r"all|decoder|classifier|frozen_decoder|last_[1-9]\d*",
        "all, decoder, classifier, frozen_decoder, or last_K (K stages of the encoder)",
    ),
]
InitName = Annotated[
    str,
    *_like(
        r"scratch|pretrained|checkpoint:\S.*",
        "scratch, pretrained, or checkpoint:SWEEP (or a file)",
    ),
]
Dilations = Annotated[str, *_like(r"[1-9]\d*(,[1-9]\d*)*", "such as 6,12,18")]
