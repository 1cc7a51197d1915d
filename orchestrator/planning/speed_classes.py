"""Groups trials of equal speed by their settings, without torch."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from searchctl.orchestrator.config.sweep import Sweep
from searchctl.trainer.settings.training import TrainSettings

_NEVER = frozenset(
    {
        "aux_weight",
        "class_weights",
        "encoder_lr_scale",
        "epochs",
        "focal_gamma",
        "init",
        "label_smoothing",
        "lr",
        "lr_decay",
        "lr_patience",
        "lr_power",
        "lr_schedule",
        "lr_step",
        "lr_warmup",
        "patience",
        "weight_decay",
        "weights",
    }
)
"""Settings that do not change the time per image. Settings that are not listed count as if they
did."""
_ON_OR_OFF = frozenset({"clip_norm", "cutmix", "drop_path", "dropout", "ema", "mixup", "momentum"})
"""Settings that change the time per image only by being on or off."""


@dataclass(frozen=True)
class SpeedClass:
    """Trials whose settings give the same time per image."""

    settings: TrainSettings
    """Settings of the first trial."""
    params: Mapping[str, Any]
    """Params that distinguish the class from the others; empty if there is only one class."""
    trials: tuple[int, ...]


def speed_classes(sweep: Sweep) -> list[SpeedClass]:
    """Return the speed classes of a sweep in the order of their first trials."""
    found: dict[tuple[tuple[str, object], ...], list[int]] = {}
    for number, params in enumerate(sweep.trials()):
        found.setdefault(_key(params), []).append(number)
    constant = _constant([dict(key) for key in found])
    return [
        SpeedClass(
            settings=sweep.training.with_params(sweep.trials()[numbers[0]]),
            params={name: value for name, value in key if name not in constant},
            trials=tuple(numbers),
        )
        for key, numbers in found.items()
    ]


def _key(params: Mapping[str, Any]) -> tuple[tuple[str, object], ...]:
    return tuple(
        (name, bool(value) if name in _ON_OR_OFF else value)
        for name, value in params.items()
        if name not in _NEVER
    )


def _constant(keys: list[dict[str, object]]) -> set[str]:
    """Return the settings that have the same value in all classes."""
    first = keys[0]
    return {name for name in first if all(name in k and k[name] == first[name] for k in keys)}
