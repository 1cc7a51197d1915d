"""Checks the own parts of a sweep.yaml by their source, and names their options for short.

Not validators of the settings: a stored sweep can be viewed where the user's files are gone.
"""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from searchctl.orchestrator.config.checks.space import distinct_settings
from searchctl.orchestrator.config.parsing.problems import Problem, SweepError, locate
from searchctl.orchestrator.config.parsing.yaml_source import YamlFile
from searchctl.orchestrator.config.sweep import Sweep
from searchctl.orchestrator.core.cluster_address import travelled_code
from searchctl.searchspace import Choice
from searchctl.searchspace.config import POINTS, source_path
from searchctl.searchspace.errors import Path as Place
from searchctl.searchspace.values import same
from searchctl.trainer.scores.catalog import known_score
from searchctl.trainer.settings.catalog import RECIPE
from searchctl.trainer.settings.options.own_options import OwnProblem, options_of, own_problems
from searchctl.trainer.settings.source.modules import SourceError
from searchctl.trainer.settings.source.own import (
    ARGS,
    ENTRY_POINTS,
    SETTINGS,
    args_setting,
    is_import_path,
    own_part,
)
from searchctl.trainer.settings.source.signatures import read_signature
from searchctl.trainer.settings.training import CommonSettings, TrainSettings

SCORE_PARAMETERS = ("counts", "loss_sums", "pixels")
"""What a score of the user's own is called with."""
_READ = (*ENTRY_POINTS, *ARGS, *(name for names in SETTINGS.values() for name in names))


def check_own_parts(sweep: Sweep, source: YamlFile) -> None:
    """Check the names and arguments of a sweep's own parts, beside its file first.

    Raises:
        SweepError: lists every problem with its line.
    """
    if faults := list(_score_problems(sweep, source)):
        raise SweepError(faults)
    settings = distinct_settings(sweep.trials(), _READ, sweep.recipe)
    problems = own_problems(settings, folder_of(source))
    if problems:
        places = [(_place(sweep, source, each), each.message) for each in problems]
        raise SweepError(
            Problem(place, message, source.file, locate(source.lines, place))
            for place, message in places
        )


def _score_problems(sweep: Sweep, source: YamlFile) -> Iterator[Problem]:
    """Yield what the source of the user's own scores shows to be wrong."""
    for score in sweep.halving.scores:
        if known_score(score) is not None or not is_import_path(score):
            continue
        try:
            found = read_signature(score, folder_of(source))
        except SourceError as error:
            message = str(error)
        else:
            if found.is_open or len(found.parameters) == len(SCORE_PARAMETERS):
                continue
            takes = ", ".join(found.names)
            message = f"{score} must take ({', '.join(SCORE_PARAMETERS)}), not ({takes})"
        place = ("halving", "score")
        yield Problem(place, message, source.file, locate(source.lines, place))


def folder_of(source: YamlFile) -> Path:
    """Return the directory that is searched first for own modules: that of the sweep file.

    For a driver that was submitted to a cluster, the one that was sent with it.
    """
    return travelled_code() or Path(source.file).absolute().parent


def _place(sweep: Sweep, source: YamlFile, problem: OwnProblem) -> Place:
    """Return where the value of a problem is written."""
    space, name = sweep.space_, problem.setting
    axis = space.axes.get(name)
    if axis is not None:
        listed = isinstance(axis, Choice) and problem.value is not ...
        values = axis.values() if listed else ()
        at = [index for index, value in enumerate(values) if same(value, problem.value)][:1]
        return ("space", *source_path(source.value["space"], (name, *at)))
    points = [index for index, point in enumerate(space.points) if name in point]
    return ("space", POINTS, points[0], name) if points else ("training", *name.split("."))


def with_full_names(source: YamlFile) -> None:
    """Replace the short names of options in `space:` by whole ones: depth by model_args.depth.

    A short name is an option of exactly one own part that the file names, and no setting that
    another of its parts has.
    """
    space = source.value.get("space")
    if not isinstance(space, dict):
        return
    taken = {*CommonSettings.model_fields, *_options_of_ours(source.value)}
    short = {name: full for name, full in _owners(source).items() if name not in taken}
    source.value["space"] = {
        short.get(name, name): _renamed(name, value, short) for name, value in space.items()
    }
    for path in [path for path in source.lines if path[:1] == ("space",)]:
        source.lines.setdefault(tuple(short.get(str(p), p) for p in path), source.lines[path])


def _renamed(name: str, value: Any, short: Mapping[str, str]) -> Any:
    if name == POINTS and isinstance(value, list):
        return [_keys(point, short) for point in value]
    if isinstance(value, dict) and isinstance(value.get("when"), dict):
        return {**value, "when": _keys(value["when"], short)}
    return value


def _keys(values: Any, short: Mapping[str, str]) -> Any:
    return {short.get(k, k): v for k, v in values.items()} if isinstance(values, dict) else values


def _options_of_ours(values: Mapping[str, Any]) -> Iterator[str]:
    """Yield the options of the parts of our catalogs that a file names, or that are the default."""
    for kind, parts in RECIPE.items():
        names = list(_named(values, kind)) or [TrainSettings.model_fields[kind].default]
        for name in names:
            if name in parts:
                yield from parts[name].names


def _owners(source: YamlFile) -> dict[str, str]:
    """Return the options of the own parts that a file names, by short names that are unique."""
    found: dict[str, set[str]] = {}
    for kind, options in _own_options(source):
        for option in options.model_fields:
            found.setdefault(option, set()).add(f"{args_setting(kind)}.{option}")
    return {option: full.pop() for option, full in found.items() if len(full) == 1}


def _own_options(source: YamlFile) -> Iterator[tuple[str, type[BaseModel]]]:
    """Yield each own part that a file names: its setting, and its options from the source."""
    for kind in ENTRY_POINTS:
        for name in dict.fromkeys(_named(source.value, kind)):
            part = own_part(kind, name)
            if part is not None:
                with suppress(SourceError):
                    yield kind, options_of(kind, read_signature(part.where, folder_of(source)))


def schemas_of_arguments(source: YamlFile) -> dict[str, dict[str, Any]]:
    """Return the JSON Schema of each setting with arguments of own parts that a file names."""
    found: dict[str, dict[str, Any]] = {}
    for kind, options in _own_options(source):
        schema = options.model_json_schema()
        entry = found.setdefault(args_setting(kind), {"properties": {}})
        entry["properties"] |= schema.get("properties", {})
        if schema.get("additionalProperties") is not False:
            entry["additionalProperties"] = True
    return {setting: {"additionalProperties": False, **entry} for setting, entry in found.items()}


def _named(values: Mapping[str, Any], kind: str) -> Iterator[str]:
    """Yield the names that a file gives a part, in training and in the space."""
    training, space = (values.get(key) for key in ("training", "space"))
    written = [training.get(kind)] if isinstance(training, dict) else []
    if isinstance(space, dict):
        axis, points = space.get(kind), space.get(POINTS)
        axis = axis.get("values") if isinstance(axis, dict) else axis
        written += axis if isinstance(axis, list) else []
        points = points if isinstance(points, list) else []
        written += [point.get(kind) for point in points if isinstance(point, dict)]
    for name in written:
        yield from name if isinstance(name, dict) else [name] if isinstance(name, str) else ()
