"""Settings without what has no effect, so that settings that compute the same become equal.

`recipe_options` refuses settings that go with no chosen part. This module adds what depends on
numbers: a patience longer than the training, a schedule that never changes the learning rate.
"""

from collections.abc import Mapping
from typing import Any

from searchctl.trainer.optim.catalog import DecayOptions, PlateauOptions, StepOptions
from searchctl.trainer.settings.marks import Mark, marked
from searchctl.trainer.settings.training import TrainSettings

NO_NUMBER = marked(TrainSettings, Mark.NO_NUMBER)
SCHEDULE = ("lr_schedule", "lr_decay", "lr_step", "lr_patience")
"""The settings of a learning rate that may stay constant."""
DEVICE = ("precision", "channels_last", "fused", "tf32", "cudnn_benchmark")
"""The settings whose `auto` depends on the device."""
GPU_ONLY = ("tf32", "cudnn_benchmark")
"""Those of them without an effect on a CPU."""
READ = frozenset({*NO_NUMBER, *SCHEDULE, *DEVICE, "drop_path"}) | {
    *("epochs", "patience", "validate", "lr_warmup", "weight_decay", "decay_norms")
}
"""The settings that `in_effect` reads."""
_AUTO = {
    False: {"precision": "fp32", "channels_last": False, "fused": False},
    True: {
        **{"precision": "bf16", "channels_last": True, "fused": True},
        **{"tf32": True, "cudnn_benchmark": True},
    },
}


def in_effect(settings: TrainSettings, *, on_gpu: bool) -> dict[str, Any]:
    """Return the values of READ, equal for settings that differ there without an effect."""
    values = settings.model_dump(mode="json", by_alias=True, include={*READ, "validate_"})
    values.update({name: None for name in NO_NUMBER})
    if not on_gpu:
        values.update({name: None for name in GPU_ONLY})
    values.update({name: _AUTO[on_gpu][name] for name in DEVICE if values[name] == "auto"})
    values["drop_path"] = values["drop_path"] or 0
    if not settings.weight_decay:
        values["decay_norms"] = None
    if not can_stop_early(settings):
        values["patience"] = None
    if is_constant(settings):
        values.update({name: None for name in SCHEDULE})
    return values


def loss_in_effect(loss: str | Mapping[str, float]) -> str | dict[str, float]:
    """Return a loss, equal for sums that differ in terms without weight, and for a sum of one loss.

    Sums that differ by a common factor stay different: it is a factor of the gradient too.

    >>> loss_in_effect({"dice": 1, "focal": 0}), loss_in_effect({"dice": 2, "focal": 0})
    ('dice', {'dice': 2.0})
    """
    if isinstance(loss, str):
        return loss
    terms = {name: float(weight) for name, weight in loss.items() if weight}
    return next(iter(terms)) if [*terms.values()] == [1] else terms


def needs_each_score(settings: TrainSettings) -> bool:
    """Does the training depend on the scores of epochs before the last one?

    With `validate: auto`, it is asked of a training that scores each epoch.
    """
    return can_stop_early(settings) or (
        settings.lr_schedule == "plateau" and not is_constant(settings)
    )


def can_stop_early(settings: TrainSettings) -> bool:
    """Can training run out of patience before its last epoch?

    The first validation is always the best so far, and after the last one training ends anyway.
    """
    scored = settings.validation.count(settings.epochs)
    return settings.patience is not None and settings.patience <= scored - 2


def is_constant(settings: TrainSettings) -> bool:
    """Does the schedule never change the learning rate, whatever the scores?"""
    epochs = settings.epochs - settings.lr_warmup
    if settings.lr_schedule == "constant":
        return True
    if settings.lr_schedule in ("step", "plateau") and DecayOptions.of(settings).lr_decay == 1:
        return True
    if settings.lr_schedule == "step":
        return StepOptions.of(settings).lr_step >= epochs
    return settings.lr_schedule == "plateau" and not _can_decay(settings)


def _can_decay(settings: TrainSettings) -> bool:
    """Can the plateau schedule decay before the last epoch, and before training is out of patience?

    Its first validation is the best so far; the decay comes with one more than `lr_patience`.
    """
    patience = PlateauOptions.of(settings).lr_patience
    if can_stop_early(settings) and settings.patience and patience + 1 >= settings.patience:
        return False
    scored = settings.validation.count(settings.epochs, after=settings.lr_warmup)
    return patience < scored - 2
