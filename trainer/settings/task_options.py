"""Which settings go with the task: a class for each pixel, or for each image. Without torch."""

from collections.abc import Iterable, Sequence

from searchctl.trainer.data.settings import AnyData, Task
from searchctl.trainer.settings.catalog import is_classifier
from searchctl.trainer.settings.marks import OnlyFor, marks_of
from searchctl.trainer.settings.training import TrainSettings

_ONLY_FOR = dict(marks_of(TrainSettings, OnlyFor))
READ = ("model", "augment", *_ONLY_FOR)
"""The settings that these checks read."""
_COLOUR_CHANGES = ("scale_crop_jitter",)
"""Augmentations for 8-bit RGB alone."""


def task_problems(trials: Iterable[TrainSettings], task: Task) -> list[tuple[str, str]]:
    """Return (setting, problem) for every setting of some trial that does not go with the task."""
    trials = list(trials)
    others = [(name, mark) for name, mark in _ONLY_FOR.items() if mark.task != task]
    checked = [
        ("model", _check_models(trials, task)),
        *((name, _check_other(name, mark, trials)) for name, mark in others),
    ]
    return [(name, problem) for name, problem in checked if problem]


def raster_problems(trials: Iterable[TrainSettings], data: AnyData | None) -> list[tuple[str, str]]:
    """Return (setting, problem) for every setting that does not go with images of these numbers."""
    if data is None or data.pixel_type == "uint8":
        return []
    wrong = dict.fromkeys(trial.augment for trial in trials if trial.augment in _COLOUR_CHANGES)
    if not wrong:
        return []
    fix = "choose none, flips or flip_crop"
    return [("augment", f"{', '.join(wrong)} jitters colours of 8-bit RGB, not data.bands: {fix}")]


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
