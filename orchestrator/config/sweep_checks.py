"""The checks of a sweep that concern several of its sections: space, search, halving, task."""

from collections.abc import Collection, Iterator, Mapping
from functools import partial
from typing import Any

from pydantic import ValidationError

from searchctl.orchestrator.config.no_axis import NO_AXIS
from searchctl.orchestrator.config.parsing.wording import reworded
from searchctl.orchestrator.config.resource_settings import ResourceSettings
from searchctl.orchestrator.config.script_checks import read_script_space
from searchctl.orchestrator.config.sweep_settings import (
    HalvingSettings,
    ReportSettings,
    SearchSettings,
)
from searchctl.searchspace import Interval, Params, Space
from searchctl.searchspace.errors import Path, Problem
from searchctl.searchspace.values import Value
from searchctl.trainer.core.extras import embeddings_problem
from searchctl.trainer.data.settings import AnyData, FolderData, Task
from searchctl.trainer.data.settings.class_table import names_of
from searchctl.trainer.scores.catalog import (
    SCORES,
    class_problem,
    direction_problem,
    known_score,
    name_problem,
)
from searchctl.trainer.script.settings import ScriptSettings
from searchctl.trainer.settings import model_options, recipe_options, task_options
from searchctl.trainer.settings.inference import Inference
from searchctl.trainer.settings.marks import Mark, marked
from searchctl.trainer.settings.nested import with_values
from searchctl.trainer.settings.own import is_import_path
from searchctl.trainer.settings.refusal import refuse
from searchctl.trainer.settings.training import TrainSettings

_RELATED = {*model_options.READ, *recipe_options.READ, *task_options.READ}
"""The settings whose meaning depends on others."""
_ROUNDING = marked(TrainSettings, Mark.ROUNDING)
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
        return [(str(path[0]), message) for path, message in found]
    return []


def _defaults(training: TrainSettings) -> dict[str, Value]:
    values = training.model_dump(by_alias=True)
    return {name: value for name, value in values.items() if not isinstance(value, dict)}


def trials_of(search: SearchSettings, space: Space, seed: int) -> tuple[Params, ...]:
    """Return the points of the space that become trials, in the order of their numbers."""
    if search.method == "grid":
        return space.grid()
    return space.sample(search.trials or 0, seed, search.method)


def search_problems(search: SearchSettings, space: Space) -> list[Problem]:
    """Return what prevents a search of this space. No point of it is drawn."""
    if search.method == "grid" and space.unbounded:
        fix = "give it a 'step', write a list, or set method: random with trials"
        return [(("method",), f"a grid cannot list space.{n}: {fix}") for n in space.unbounded]
    count = space.size if search.method == "grid" else search.trials
    if count is None or count > MAX_TRIALS:
        fix = "list fewer values, or set method: random with trials"
        return [(("method",), f"{count:,} trials are too many (at most {MAX_TRIALS:,}): {fix}")]
    return []


def trial_problems(
    space: Space,
    trials: tuple[Params, ...],
    training: TrainSettings,
    task: Task,
    data: AnyData | None = None,
) -> list[Problem]:
    """Return what cannot be trained, or which settings do not go with the task or with others."""
    return _value_problems(training, trials) or _model_problems(space, trials, training, task, data)


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


def checked_task(task: Task, data: AnyData | None) -> Task:
    """Return the task if the data set has labels for it.

    Raises:
        pydantic.ValidationError: it has none.
    """
    if data is None or task == data.task:
        return task
    if data.task == "classification":
        fix = "a class for each image: write task: classification"
    else:
        fix = "a class for each pixel: leave it out, or take dataset: image_folder"
    raise refuse([((), f"is {task}, but data set {data.dataset} has {fix}")], task)


def checked_halving(
    halving: HalvingSettings, task: Task, data: AnyData | None = None, *, by_script: bool
) -> HalvingSettings:
    """Return the halving; where no score is written, with the score that goes with the task.

    Args:
        halving: the settings.
        task: of the sweep.
        data: its data set, if that is known.
        by_script: whether a script reports the score, which can be any.

    Raises:
        pydantic.ValidationError: the score is unknown, or does not go with its direction or the
            task.
    """
    if task == "classification" and "score" not in halving.model_fields_set:
        halving = halving.model_copy(update={"score": "val_accuracy"})
    problems = list(score_problems(halving, task, data, by_script=by_script))
    if problem := direction_problem(halving.ranked_by, halving.direction):
        problems.append((("direction",), problem))
    if problems:
        raise refuse(problems, halving)
    return halving


def score_problems(
    halving: HalvingSettings, task: Task, data: AnyData | None, *, by_script: bool
) -> Iterator[Problem]:
    """Yield what is wrong with each score of a halving, with its path in the section."""
    classes = names_of(data.classes) if isinstance(data, FolderData) else None
    for place, score in enumerate(halving.scores):
        path: Path = ("score",) if isinstance(halving.score, str) else ("score", place)
        known = known_score(score)
        if known is None and (by_script or is_import_path(score)):
            continue
        if problem := name_problem(score):
            yield path, problem
        elif task == "classification" and known and known.of_pixels:
            fit = [name for name, each in SCORES.items() if not each.of_pixels]
            yield path, f"{score} is of pixels: rank classifiers by {', '.join(fit)}"
        elif classes is not None and (problem := class_problem(score, classes)):
            yield path, problem


def checked_report(report: ReportSettings, task: Task) -> ReportSettings:
    """Return the report if it goes with the task; in classification, without masks.

    Raises:
        pydantic.ValidationError: it does not.
    """
    if task == "classification" and "images" not in report.model_fields_set:
        report = report.model_copy(update={"images": 0})
    if task == "classification" and report.images:
        problem = "have masks in segmentation only: leave it out"
        raise refuse([(("images",), problem)], report)
    if report.features and task == "segmentation":
        problem = "are drawn of classifiers, which have one vector for each image: leave it out"
        raise refuse([(("features",), problem)], report)
    return report


def package_problems(report: object) -> list[Problem]:
    """Return which packages a sweep file's report needs and this machine lacks."""
    drawn = isinstance(report, Mapping) and report.get("features") is True
    problem = embeddings_problem() if drawn else None
    return [(("report", "features"), problem)] if problem else []


def checked_inference(inference: Inference, data: AnyData | None) -> Inference:
    """Return the inference if it goes with the task of the data.

    Raises:
        pydantic.ValidationError: it does not.
    """
    problem = data and inference.mode_problem(data.task)
    if problem:
        raise refuse([(("mode",), problem)], inference)
    return inference


def _path_of(name: str, space: Space) -> Path:
    """Return where a setting is written: under an axis, in the first such point, or in training."""
    if axes := [axis for axis in space.axes if axis == name or axis.startswith(f"{name}.")]:
        return ("space", axes[0])
    points = [number for number, point in enumerate(space.points) if name in point]
    return ("space", "points", points[0], name) if points else ("training", name)


def _value_problems(training: TrainSettings, trials: tuple[Params, ...]) -> list[Problem]:
    """Check whole trials: both ends of an interval may be valid and a value between them not."""
    found: dict[str, str] = {}
    for params in trials:
        for name, message in check_training(training, params):
            found.setdefault(name, f"a trial with {name} {params.get(name)} cannot be: {message}")
    return [(("search",), message) for message in found.values()]


def sweep_warnings(
    search: SearchSettings,
    space: Space,
    trials: tuple[Params, ...],
    halving: HalvingSettings,
    training: TrainSettings,
) -> tuple[str, ...]:
    """Return warnings: what is probably not meant, or changes what scores mean."""
    return (
        *_comparison_warnings(space, halving),
        *_size_warnings(search, space, trials, training),
    )


def process_warnings(resources: ResourceSettings, smallest_batch: int) -> Iterator[str]:
    """Yield warnings where the processes of a trial do not make it faster."""
    processes, cpus = resources.processes, resources.cpus_per_trial
    if processes > smallest_batch:
        yield (
            f"batch_size {smallest_batch} is not divided over {processes} processes of a trial: "
            "each of them trains on all of it; raise it, or lower what a trial occupies"
        )
    if processes > cpus:
        yield (
            f"{processes} processes of a trial share {cpus:g} CPU{'s' * (cpus > 1)}: raise "
            f"resources.cpus_per_trial to {processes} or more"
        )


def _comparison_warnings(space: Space, halving: HalvingSettings) -> Iterator[str]:
    if (
        any(name.partition(".")[0] == "loss" for name in space.names)
        and halving.ranked_by == "val_loss"
    ):
        yield (
            "loss is searched and the score is val_loss: val_loss is plain cross entropy, so "
            "trials that train with it have an advantage; score: val_miou (in classification, "
            "val_accuracy) treats all losses alike"
        )
    for name in space.names:
        if name in _ROUNDING:
            yield (
                f"{name} is searched: it changes how sums are rounded, so trials differ by more "
                "than their other params, and a resumed sweep needs the same hardware"
            )
    for name in model_options.OPTIONS:
        axis = space.axes.get(name)
        if axis is not None and axis.contains(None) and axis.size != 1:
            yield (
                f"space.{name} lists null, which stands for each network's own default: if that is "
                "one of the other values, its trials are trained twice; write the values alone"
            )


def _size_warnings(
    search: SearchSettings, space: Space, trials: tuple[Params, ...], training: TrainSettings
) -> Iterator[str]:
    if search.trials and len(trials) < search.trials:
        yield f"the space has {len(trials)} distinct points only: not {search.trials} trials"
    for name, dimension in space.axes.items():
        if isinstance(dimension, Interval) and _skips_fractions(name, dimension, training):
            yield (
                f"space.{name} holds whole numbers only, as its ends are written without a decimal "
                f"point: write low: {dimension.low}.0 for the numbers in between"
            )


def _skips_fractions(name: str, dimension: Interval, training: TrainSettings) -> bool:
    """Is it an interval of whole numbers for a setting that takes fractions too?"""
    between = dimension.low + 0.5
    return (
        dimension.whole and dimension.step is None and not check_training(training, {name: between})
    )
