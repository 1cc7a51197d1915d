"""Checks the own parts that settings name, from their source: names, arguments, their types."""

import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError, create_model

from searchctl.trainer.settings.catalog import part_named
from searchctl.trainer.settings.source.modules import SourceError
from searchctl.trainer.settings.source.own import (
    ENTRY_POINTS,
    GIVEN,
    PAIR,
    SETTINGS,
    OwnPart,
    args_setting,
)
from searchctl.trainer.settings.source.signatures import (
    REQUIRED,
    UNKNOWN,
    Parameter,
    Signature,
    read_signature,
)
from searchctl.trainer.settings.training import TrainSettings

_BY_POSITION = {"optimizer": 1, "lr_schedule": 1, "loss": 2}
"""Parameters that the trainer gives by position; of a loss, where it is a function."""


@dataclass(frozen=True)
class OwnProblem:
    """Something that is wrong with an own part of some trial."""

    setting: str
    """The setting, or a name inside one: model_args.depth."""
    value: Any
    """Its value in the trial; ... where any value would be wrong."""
    message: str


def named_parts(settings: Iterable[TrainSettings]) -> Iterator[tuple[str, str, OwnPart]]:
    """Yield (setting, name, part) for each own part of some trial, each once."""
    named = ((kind, getattr(each, kind)) for each in settings for kind in ENTRY_POINTS)
    for kind, name in dict.fromkeys(pair for pair in named if isinstance(pair[1], str)):
        part = part_named(kind, name)
        if isinstance(part, OwnPart):
            yield kind, name, part


def own_problems(settings: Iterable[TrainSettings], folder: Path | None) -> list[OwnProblem]:
    """Return what is wrong with the own parts of trials, by their source alone.

    Args:
        settings: of the trials.
        folder: searched for modules before the places of installed packages.
    """
    settings = list(settings)
    found: dict[tuple[str, str], OwnProblem] = {}
    for kind, name, part in named_parts(settings):
        trials = [each for each in settings if getattr(each, kind) == name]
        for problem in _part_problems(kind, name, part, trials, folder):
            found.setdefault((problem.setting, problem.message), problem)
    return list(found.values())


def _part_problems(
    kind: str, name: str, part: OwnPart, trials: list[TrainSettings], folder: Path | None
) -> Iterator[OwnProblem]:
    try:
        signature = read_signature(part.where, folder)
    except SourceError as error:
        yield OwnProblem(kind, name, str(error))
        return
    for trial in trials:
        yield from _argument_problems(kind, name, options_of(kind, signature), trial)
        for setting in SETTINGS.get(kind, ()):
            value = getattr(trial, setting)
            if setting != "lr" and value and not signature.accepts(setting):
                fix = "leave it out, or give the part such a parameter"
                yield OwnProblem(setting, value, f"{name} has no parameter {setting}: {fix}")


def _argument_problems(
    kind: str, name: str, model: type[BaseModel], trial: TrainSettings
) -> Iterator[OwnProblem]:
    setting = args_setting(kind)
    args: Mapping[str, Any] = getattr(trial, setting)
    for own in set(SETTINGS.get(kind, ())) & args.keys():
        message = f"is a setting of its own: write {own} under training"
        yield OwnProblem(f"{setting}.{own}", ..., message)
    for problem in argument_problems(name, model, setting, args):
        yield replace(problem, setting=kind) if problem.setting == setting else problem


def argument_problems(
    name: str, model: type[BaseModel], setting: str, args: Mapping[str, Any]
) -> Iterator[OwnProblem]:
    """Yield what is wrong with the arguments of an own part.

    Args:
        name: of the part.
        model: its options.
        setting: where its arguments are written. A missing one is a problem of this setting.
        args: the arguments.
    """
    try:
        model.model_validate(dict(args))
    except ValidationError as error:
        for details in error.errors(include_url=False):
            at = str(details["loc"][0])
            if details["type"] == "missing":
                fix = f"write {setting}: {{{at}: ..}}"
                yield OwnProblem(setting, name, f"{name} needs {at}, which has no default: {fix}")
            else:
                message = _message(name, at, dict(details), model)
                value = ... if details["type"] == "extra_forbidden" else args.get(at)
                yield OwnProblem(f"{setting}.{at}", value, message)


def _message(name: str, argument: str, details: Mapping[str, Any], model: type[BaseModel]) -> str:
    if details["type"] != "extra_forbidden":
        return f"{details['msg'][:1].lower()}{details['msg'][1:]}, for {name}"
    known = list(model.model_fields)
    close = difflib.get_close_matches(argument, known, n=1)
    hint = f"did you mean '{close[0]}'? " if close else ""
    listed = f"it has {', '.join(known)}" if known else "it has no options"
    return f"{name} has no parameter '{argument}': {hint}{listed}"


def options_of(kind: str, signature: Signature) -> type[BaseModel]:
    """Return the arguments of a part as a model: what the trainer gives is left out or optional."""
    source = signature.options or signature
    given = {name for names in GIVEN[kind] for name in names}
    by_position = 0 if kind == "loss" and signature.is_class else _BY_POSITION.get(kind, 0)
    if kind == "augment" and signature.names[:2] == PAIR:
        by_position = len(PAIR)
    left_out = {*SETTINGS.get(kind, ()), *signature.names[:by_position]}
    fields: dict[str, Any] = {
        each.name: _field(each, is_given=each.name in given)
        for each in source.parameters
        if each.name not in left_out and each.name not in ("args", "kwargs")
    }
    config = ConfigDict(
        extra="allow" if source.is_open else "forbid",
        strict=True,
        protected_namespaces=(),
        arbitrary_types_allowed=True,
    )
    return create_model(signature.where, __config__=config, **fields)


def _field(parameter: Parameter, *, is_given: bool) -> tuple[Any, Any]:
    default = parameter.default
    if default is REQUIRED and not is_given:
        return parameter.type, ...
    if default is REQUIRED or default is UNKNOWN or default is None:
        return parameter.type | None if parameter.type is not Any else Any, None
    return parameter.type, default
