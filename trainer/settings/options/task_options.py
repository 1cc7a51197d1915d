"""Which settings go with the task: a class for each pixel, or for each image. Without torch."""

from collections.abc import Iterable, Mapping, Sequence

from searchctl.trainer.data.settings import AnyData, Task
from searchctl.trainer.settings.catalog import is_classifier
from searchctl.trainer.settings.marks import OnlyFor, marks_of
from searchctl.trainer.settings.pipelines.checks import last_size, pixel_changes
from searchctl.trainer.settings.source.own import Augment
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


def augment_problems(
    trials: Iterable[TrainSettings], data: AnyData | None
) -> list[tuple[str, str]]:
    """Return ("augment", problem) for all augmentations that do not go with the images."""
    if data is None:
        return []
    augments = _distinct(trial.augmentation for trial in trials)
    problems = [] if data.pixel_type == "uint8" else [_check_numbers(augments)]
    problems += [_check_size(each, data.image_size) for each in augments]
    return [("augment", problem) for problem in problems if problem]


def _distinct(augments: Iterable[Augment]) -> list[Augment]:
    return list({repr(each): each for each in augments}.values())


def _check_numbers(augments: Sequence[Augment]) -> str | None:
    """Return which augmentations are for 8-bit RGB alone, if any are."""
    presets = [each for each in augments if isinstance(each, str) and each in _COLOUR_CHANGES]
    if presets:
        fix = "choose none, flips or flip_crop"
        return f"{', '.join(presets)} jitters colours of 8-bit RGB, not data.bands: {fix}"
    names = [name for each in augments if isinstance(each, Mapping) for name in pixel_changes(each)]
    if names:
        return (
            f"{', '.join(dict.fromkeys(names))} takes 8-bit images, or shares of 1, which "
            "data.bands are not: leave it out; transforms that move pixels take any numbers"
        )
    return None


def _check_size(augment: Augment, size: tuple[int, int]) -> str | None:
    """Return which transform ends a pipeline at another size than that of the training images."""
    found = last_size(augment) if isinstance(augment, Mapping) else None
    if found is None or found[1] == size:
        return None
    step, (height, width) = found
    return (
        f"{step.name} makes images of {height}x{width}, and networks are trained at "
        f"{size[0]}x{size[1]} (data.image_size): give it that size"
    )


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
