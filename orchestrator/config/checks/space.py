"""The space, its trials, and the training settings that they give."""

from collections.abc import Collection, Iterator, Mapping
from functools import partial
from typing import Any

from pydantic import ValidationError

from searchctl.orchestrator.config.checks.known import known_problems
from searchctl.orchestrator.config.checks.no_axis import NO_AXIS
from searchctl.orchestrator.config.checks.script import read_script_space
from searchctl.orchestrator.config.checks.where import where_problems
from searchctl.orchestrator.config.parsing.wording import reworded
from searchctl.orchestrator.config.sections.sweep import SearchSettings
from searchctl.orchestrator.draws.points import Point, Prior, draw
from searchctl.searchspace import Choice, Params, Space, SpaceError
from searchctl.searchspace.branches import Part, flat, setting
from searchctl.searchspace.errors import Path, Problem
from searchctl.searchspace.values import Value
from searchctl.trainer.data.settings import AnyData, Task
from searchctl.trainer.script.settings import ScriptSettings
from searchctl.trainer.settings.options import model_options, recipe_options, task_options
from searchctl.trainer.settings.options.nested import with_values
from searchctl.trainer.settings.refusal import refuse
from searchctl.trainer.settings.training import TrainSettings

_RELATED = {*model_options.READ, *recipe_options.READ, *task_options.READ}
"""The settings whose meaning depends on others."""
MAX_TRIALS = 100_000
"""More trials than this are taken for a mistake: all of them are kept in memory and stored."""


def read_space(config: Mapping[str, Any], training: TrainSettings | ScriptSettings) -> Space:
    """Read `space:`, checked against the training settings.

    Raises:
        SpaceError: with every problem, their paths relative to `space`.
    """
    if isinstance(training, ScriptSettings):
        return read_script_space(config, training)
    return Space.from_config(config, _defaults(training), partial(check_training, training))


def checked_space(
    space: dict[str, Any], training: TrainSettings | ScriptSettings | None
) -> dict[str, Any]:
    """Return `space:` if it fits the training settings.

    Where these are refused themselves (None), dotted names are not checked: they lead into them.

    Raises:
        pydantic.ValidationError: it does not.
    """
    try:
        read_space(space, TrainSettings() if training is None else training)
    except SpaceError as error:
        known = training is not None
        problems = [each for each in error.problems if known or not _is_dotted(each[0])]
        if problems:
            raise refuse(problems, space) from None
    return space


def _is_dotted(path: Path) -> bool:
    return any("." in str(part) for part in path)


def check_training(training: TrainSettings, values: Mapping[str, object]) -> list[tuple[str, str]]:
    """Return (setting, problem) for every value that cannot be trained with beside `training`."""
    refused = {name: NO_AXIS.get(name.partition(".")[0]) for name in values}
    if any(refused.values()):
        return [(name, why) for name, why in refused.items() if why]
    nested = {name.partition(".")[0] for name in values if "." in name}
    base = training.model_dump(by_alias=True, include=nested)
    try:
        settings = with_values(base, values)
    except ValueError as error:
        return [(next(name for name in values if "." in name), str(error))]
    try:
        # strict, so that a number in quotes is not a second name of the same point
        TrainSettings.model_validate(settings, strict=True)
    except ValidationError as error:
        found = reworded(error, settings, TrainSettings)
        return [(str(path[0]), _of_weight(path, message)) for path, message in found]
    return []


def _of_weight(path: Path, message: str) -> str:
    """Return a message with the loss of a sum whose weight it is about."""
    return f"the weight of {path[1]} {message}" if path[0] == "loss" and path[1:] else message


def _defaults(training: TrainSettings) -> dict[str, Value]:
    values = training.model_dump(by_alias=True)
    return {name: value for name, value in values.items() if not isinstance(value, dict)}


def points_of(search: SearchSettings, space: Space, seed: int, prior: Prior) -> list[Point]:
    """Return the points of all cohorts' trials, in the order of their numbers.

    Random points stand for those that a model will draw.
    """
    return draw(space, search.method, sum(search.sizes), seed, prior=prior)


def possible_values(space: Space, name: str) -> Iterator[Value]:
    """Yield the values that a setting may have in the space; of an interval, the largest one."""
    for axis, part in flat(space.axes).items():
        if setting(axis) == name:
            yield from _ends(part)
    yield from (point[name] for point in space.points if name in point)


def _ends(part: Part) -> tuple[Value, ...]:
    return part.options if isinstance(part, Choice) else (part.high,)


def checked_search(
    search: SearchSettings, config: dict[str, Any], training: TrainSettings | ScriptSettings
) -> None:
    """Check that the search can draw trials from `space:`.

    Raises:
        pydantic.ValidationError: it cannot.
    """
    space = read_space(config, training)
    by_script = isinstance(training, ScriptSettings)
    if problems := _search_problems(search, space, by_script=by_script):
        raise refuse(problems, search)


def _search_problems(search: SearchSettings, space: Space, *, by_script: bool) -> list[Problem]:
    """Return what prevents a search of this space. No point of it is drawn."""
    conditions = where_problems(search, space, by_script=by_script)
    if problems := [*known_problems(search, space), *conditions]:
        return problems
    if search.method == "grid" and space.unbounded:
        fix = "give it a 'step', write a list, or set method: random with trials"
        return [(("method",), f"a grid cannot list space.{n}: {fix}") for n in space.unbounded]
    count = space.size if search.method == "grid" else sum(search.sizes)
    if count is None or count > MAX_TRIALS:
        many = f"{count:,} trials are too many (at most {MAX_TRIALS:,})"
        if search.method != "grid":
            return [(("trials",), many)]
        return [(("method",), f"{many}: list fewer values, or set method: random with trials")]
    return []


def trial_problems(
    space: Space,
    trials: tuple[Params, ...],
    training: TrainSettings,
    task: Task,
    data: AnyData | None = None,
) -> list[Problem]:
    """Return what cannot be trained, or which settings do not go with the task or with others."""
    return _value_problems(space, training, trials) or _model_problems(
        space, trials, training, task, data
    )


def _model_problems(
    space: Space,
    trials: tuple[Params, ...],
    training: TrainSettings,
    task: Task,
    data: AnyData | None,
) -> list[Problem]:
    """Return which settings do not go with the task or with others, at their paths in the file."""
    settings = distinct_settings(trials, _RELATED, training)
    found = [
        *model_options.option_problems(settings),
        *recipe_options.recipe_problems(settings),
        *task_options.task_problems(settings, task),
        *task_options.augment_problems(settings, data),
    ]
    return [(_path_of(name, space), message) for name, message in found]


def distinct_settings(
    trials: tuple[Params, ...], names: Collection[str], training: TrainSettings
) -> list[TrainSettings]:
    """Return the settings of trials that differ in these params, each once: a few for thousands."""
    params = {
        Params({n: v for n, v in trial.items() if n.partition(".")[0] in names}): None
        for trial in trials
    }
    return [training.with_params(each) for each in params]


def _path_of(name: str, space: Space) -> Path:
    """Return where a setting is written: under an axis, in the first such point, or in training."""
    if axes := [axis for axis in space.axes if axis == name or axis.startswith(f"{name}.")]:
        return ("space", axes[0])
    points = [number for number, point in enumerate(space.points) if name in point]
    return ("space", "points", points[0], name) if points else ("training", name)


def _value_problems(
    space: Space, training: TrainSettings, trials: tuple[Params, ...]
) -> list[Problem]:
    """Check whole trials: both ends of an interval may be valid and a value between them not."""
    found: dict[str, Problem] = {}
    for params in trials:
        for name, message in check_training(training, params):
            inside = [each for each in params if each.startswith(f"{name}.")]
            what = " and ".join(f"{each} {params.get(each)}" for each in inside or [name])
            path: Path = ("space", inside[0]) if inside else ("search",)
            found.setdefault(name, (path, f"a trial with {what} cannot be: {message}"))
    return list(found.values())
