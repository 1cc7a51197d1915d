"""Which settings go with what is learned: a class for each pixel, or for each image; torch-free."""

from collections.abc import Iterable, Sequence

from searchctl.trainer.data.settings import Task
from searchctl.trainer.settings.catalog import is_classifier
from searchctl.trainer.settings.training import TrainSettings

ASKED = ("model", "mixup", "cutmix")
"""The settings that are looked at."""


def task_problems(trials: Iterable[TrainSettings], task: Task) -> list[tuple[str, str]]:
    """Return (setting, problem) for every setting of some trial that does not go with the task."""
    trials = list(trials)
    found = [("model", _check_models(trials, task))]
    if task == "segmentation":
        found += [(name, _check_mixing(name, trials)) for name in ("mixup", "cutmix")]
    return [(name, problem) for name, problem in found if problem]


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


def _check_mixing(name: str, trials: Sequence[TrainSettings]) -> str | None:
    if not any(getattr(trial, name) for trial in trials):
        return None
    return "mixes whole images with one class each: leave it out, it is for task: classification"
