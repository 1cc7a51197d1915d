"""Sections that must fit the task and the data."""

from collections.abc import Iterator, Mapping

from searchctl.orchestrator.config.sections.halving import HalvingSettings
from searchctl.orchestrator.config.sections.resources import BudgetSettings, ResourceSettings
from searchctl.orchestrator.config.sections.sweep import ReportSettings, SearchSettings
from searchctl.searchspace.errors import Path, Problem
from searchctl.trainer.core.extras import embeddings_problem, module_problem
from searchctl.trainer.data.settings import AnyData, FolderData, ImageFolderData, Task
from searchctl.trainer.data.settings.class_table import names_of
from searchctl.trainer.scores.catalog import (
    SCORES,
    ScoreName,
    class_problem,
    direction_problem,
    known_score,
    list_problem,
    name_problem,
)
from searchctl.trainer.settings.inference import Inference
from searchctl.trainer.settings.refusal import refuse
from searchctl.trainer.settings.source.own import is_import_path


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
    halving: HalvingSettings,
    task: Task,
    data: AnyData | None = None,
    search: SearchSettings | None = None,
    *,
    by_script: bool,
) -> HalvingSettings:
    """Return the halving; where no score is written, with the score that goes with the task.

    Args:
        halving: the settings.
        task: of the sweep.
        data: its data set, if that is known.
        search: its search, if that is known.
        by_script: whether a script reports the score, which can be any.

    Raises:
        pydantic.ValidationError: the score is unknown, or does not go with its direction or the
            task; there is no known point to protect; or the networks of a script have limits.
    """
    if task == "classification" and "score" not in halving.model_fields_set:
        halving = halving.model_copy(update={"score": "val_accuracy"})
    problems = list(score_problems(halving, task, data, by_script=by_script))
    known = known_score(halving.ranked_by) or _is_of_others(halving.ranked_by, by_script)
    if known and (problem := direction_problem(halving.ranked_by, halving.direction)):
        problems.append((("direction",), problem))
    if halving.protect_known and search is not None and not search.known:
        fix = "add search: {known: [{..}]} with what you use today, or leave it out"
        problems.append((("protect_known",), f"needs a known point: {fix}"))
    if by_script and halving.limits is not None:
        fix = "leave it out: the network of a script of your own cannot be measured"
        problems.append((("limits",), fix))
    if problems:
        raise refuse(problems, halving)
    return halving


def checked_fractions(halving: HalvingSettings, search: SearchSettings | None) -> HalvingSettings:
    """Return the halving if it has a smallest fraction for each cohort, or one for all.

    Raises:
        pydantic.ValidationError: it has too many, or too few.
    """
    given, cohorts = halving.min_fraction, len(search.sizes) if search and search.trials else 1
    if isinstance(given, list) and len(given) != cohorts and search is not None:
        problem = (
            f"lists {len(given)} fractions for {cohorts} cohorts (search.cohorts): list one each"
        )
        raise refuse([(("min_fraction",), problem)], halving)
    return halving


def _is_of_others(score: ScoreName, by_script: bool) -> bool:
    return by_script or is_import_path(score)


def score_problems(
    halving: HalvingSettings, task: Task, data: AnyData | None, *, by_script: bool
) -> Iterator[Problem]:
    """Yield what is wrong with each score of a halving, with its path in the section."""
    for place, score in enumerate(halving.scores):
        path: Path = ("score",) if isinstance(halving.score, str) else ("score", place)
        known = known_score(score)
        if known is None and _is_of_others(score, by_script):
            continue
        if problem := name_problem(score):
            yield path, problem
        elif task == "classification" and known and known.of_pixels:
            fit = [name for name, each in SCORES.items() if not each.of_pixels]
            yield path, f"{score} is of pixels: rank classifiers by {', '.join(fit)}"
        elif problem := _classes_problem(score, data):
            yield path, problem


def _classes_problem(score: ScoreName, data: AnyData | None) -> str:
    if isinstance(data, FolderData):
        return class_problem(score, names_of(data.classes))
    # where directories name the classes, a name may hold a plus itself
    has_any_name = data is None or isinstance(data, ImageFolderData)
    return "" if has_any_name else list_problem(score)


def checked_report(report: ReportSettings, task: Task | None, *, by_script: bool) -> ReportSettings:
    """Return the report if it goes with the task; in classification or by a script, without masks.

    Raises:
        pydantic.ValidationError: it does not.
    """
    without_masks = by_script or task == "classification"
    if without_masks and "images" not in report.model_fields_set:
        report = report.model_copy(update={"images": 0})
    if by_script:
        return report
    if task == "classification" and report.images:
        problem = "have masks in segmentation only: leave it out"
        raise refuse([(("images",), problem)], report)
    if report.features and task == "segmentation":
        problem = "are drawn of classifiers, which have one vector for each image: leave it out"
        raise refuse([(("features",), problem)], report)
    return report


def checked_budget(budget: BudgetSettings, resources: ResourceSettings | None) -> BudgetSettings:
    """Return the budget if trials can spend it.

    Raises:
        pydantic.ValidationError: it is of GPUs, and trials use none.
    """
    if budget.gpu_hours and resources and not resources.gpus_per_trial:
        problem = "is never used: resources.gpus_per_trial is 0; set that, or use a deadline"
        raise refuse([(("gpu_hours",), problem)], budget)
    return budget


def package_problems(report: object, loggers: object = None) -> list[Problem]:
    """Return which packages these sections of a sweep file need and this machine lacks."""
    drawn = isinstance(report, Mapping) and report.get("features") is True
    found = {("report", "features"): embeddings_problem() if drawn else None}
    for name in ("mlflow", "wandb"):
        used = isinstance(loggers, Mapping) and loggers.get(name) is not None
        found["loggers", name] = module_problem(name, name) if used else None
    return [(path, problem) for path, problem in found.items() if problem]


def checked_inference(inference: Inference, data: AnyData | None) -> Inference:
    """Return the inference if it goes with the task of the data.

    Raises:
        pydantic.ValidationError: it does not.
    """
    problem = data and inference.mode_problem(data.task)
    if problem:
        raise refuse([(("mode",), problem)], inference)
    return inference
