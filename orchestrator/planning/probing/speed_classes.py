"""Groups trials of equal speed by their settings, without torch."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from searchctl.orchestrator.config.sweep import Sweep
from searchctl.trainer.settings.marks import Mark, marked
from searchctl.trainer.settings.training import TrainSettings

_SAME_SPEED = marked(TrainSettings, Mark.SAME_SPEED)
_WEIGHTS = "loss."
"""What the names of the weights of a sum of losses start with."""
_SWITCHES = marked(TrainSettings, Mark.SWITCH)


@dataclass(frozen=True)
class SpeedClass:
    """Trials whose settings give the same time per image."""

    settings: TrainSettings
    """Settings of the first trial."""
    params: Mapping[str, Any]
    """Params that distinguish the class from the others; empty if there is only one class."""
    trials: tuple[int, ...]
    """Numbers of the trials."""


def speed_classes(sweep: Sweep) -> list[SpeedClass]:
    """Return the speed classes of a sweep in the order of their first trials."""
    found: dict[tuple[tuple[str, object], ...], list[int]] = {}
    for number, params in enumerate(sweep.trials()):
        found.setdefault(tuple(speed_params(params).items()), []).append(number)
    constant = _constant([dict(key) for key in found])
    return [
        SpeedClass(
            settings=sweep.recipe.with_params(sweep.trials()[numbers[0]]),
            params={name: value for name, value in key if name not in constant},
            trials=tuple(numbers),
        )
        for key, numbers in found.items()
    ]


def speed_params(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the params that may change how long an image takes, or how much memory."""
    return {
        name: bool(value) if name in _SWITCHES else value
        for name, value in params.items()
        if name not in _SAME_SPEED and not name.startswith(_WEIGHTS)
    }


def _constant(keys: list[dict[str, object]]) -> set[str]:
    """Return the settings that have the same value in all classes."""
    first = keys[0]
    return {name for name in first if all(name in k and k[name] == first[name] for k in keys)}
