"""Tries networks without memory or time, so that a bad one is known before the first epoch."""

from collections.abc import Iterable

import torch

from trainer.errors import SettingsError
from trainer.finetune import freeze
from trainer.model_options import OPTIONS
from trainer.models import build_model
from trainer.settings import TrainSettings


def network_problems(
    settings: Iterable[TrainSettings], classes: int, image_size: tuple[int, int]
) -> list[str]:
    """Return what is wrong with the networks, each distinct one tried once.

    Each is built and given two images on torch's meta device, which computes shapes alone.

    Args:
        settings: of the trials.
        classes: channels of the logits.
        image_size: height and width of the training images in pixels.
    """
    distinct = {_key(each): each for each in settings}
    problems = (_problem(each, classes, image_size) for each in distinct.values())
    return list(dict.fromkeys(problem for problem in problems if problem))


def _key(settings: TrainSettings) -> tuple[object, ...]:
    return tuple(getattr(settings, name) for name in ("model", "finetune", "dropout", *OPTIONS))


def _problem(settings: TrainSettings, classes: int, image_size: tuple[int, int]) -> str | None:
    named = {name: getattr(settings, name) for name in ("model", *OPTIONS)}
    with_what = ", ".join(f"{name} {value}" for name, value in named.items() if value is not None)
    try:
        with torch.device("meta"):
            model = build_model(settings, classes)
            freeze(model, settings.finetune)
            model(torch.zeros(2, 3, *image_size))
    except NotImplementedError:
        return None  # it does more than shapes tell
    except (SettingsError, RuntimeError, ValueError, AssertionError, TypeError) as error:
        return f"{with_what}: {error}"
    return None
