"""Which settings go with the task: a class for each pixel, or for each image. Without torch."""

from collections.abc import Iterable, Sequence

from searchctl.trainer.data.settings import Task
from searchctl.trainer.settings.catalog import is_classifier
from searchctl.trainer.settings.marks import OnlyFor, marks_of
from searchctl.trainer.settings.training import TrainSettings

_ONLY_FOR = dict(marks_of(TrainSettings, OnlyFor))
READ = ("model", *_ONLY_FOR)
"""The settings that these checks read."""


def task_problems(trials: Iterable[TrainSettings], task: Task) -> list[tuple[str, str]]:
    """Return (setting, problem) for every setting of some trial that does not go with the task."""
    trials = list(trials)
    others = [(name, mark) for name, mark in _ONLY_FOR.items() if mark.task != task]
    checked = [
        ("model", _check_models(trials, task)),
        *((name, _check_other(name, mark, trials)) for name, mark in others),
    ]
    return [(name, problem) for name, problem in checked if problem]


def _check_models(trials: Sequence[TrainSettings], task: Task) -> str | None:
    models = dict.fromkeys(trial.model for trial in trials)
    wrong = [name for name in models if is_classifier(name) != (task == "classification")]
    if not wrong:
        return None
    if task == "classification":
        return (
            f"{', '.join(wrong)} finds a class for each pixel: with task: classification take one "
            "of timm's networks, timm:NAME, such as timm:resnet18"
        )
    return (
        f"{', '.join(wrong)} finds a class for each image: take a network for segmentation, such "
        "as upernet (its encoder may be any of timm's); or set task: classification, with "
        "dataset: image_folder"
    )


def _check_other(name: str, mark: OnlyFor, trials: Sequence[TrainSettings]) -> str | None:
    if not any(getattr(trial, name) for trial in trials):
        return None
    return f"{mark.does}: leave it out, it is for task: {mark.task}"
