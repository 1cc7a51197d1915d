"""Which settings go with which loss, optimizer and schedule; torch-free, as model_options is.

Trials that differ in a setting that they ignore are the same trial, trained twice; and a setting
that every trial ignores is a mistake. What some trials of a sweep use, and the others ignore with
one and the same value, is neither: it may stand under `training:`. Nor is a setting at its default.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from searchctl.trainer.settings.catalog import MODELS
from searchctl.trainer.settings.model_options import only_when
from searchctl.trainer.settings.training import TrainSettings

Choice = str | bool | None
"""A value that decides whether another setting has an effect."""


@dataclass(frozen=True)
class Rule:
    """A setting has an effect only with some values of another, or with all but some."""

    setting: str
    other: str
    only: tuple[Choice, ...] = ()
    never: tuple[Choice, ...] = ()

    def has_effect(self, trial: TrainSettings) -> bool:
        """Does the setting change anything in this trial?"""
        chosen = getattr(trial, self.other)
        return chosen in self.only if self.only else chosen not in self.never

    def is_given(self, trial: TrainSettings) -> bool:
        """Is the setting at another value than its default?"""
        default = TrainSettings.model_fields[self.setting].default
        return bool(getattr(trial, self.setting) != default)

    def chosen(self, trials: Iterable[TrainSettings]) -> list[str]:
        """Return what these trials have chosen of the other setting, as it is written in YAML."""
        return list(dict.fromkeys(_written(getattr(trial, self.other)) for trial in trials))


_WITH_AUX = tuple(name for name, model in MODELS.items() if "aux_loss" in model.options)

RULES = (
    Rule("class_weights", "loss", only=("weighted_cross_entropy",)),
    Rule("label_smoothing", "loss", only=("cross_entropy", "weighted_cross_entropy")),
    Rule("focal_gamma", "loss", only=("focal",)),
    Rule("aux_weight", "model", only=_WITH_AUX),
    Rule("aux_weight", "aux_loss", never=(False,)),
    Rule("encoder_lr_scale", "finetune", never=("decoder", "classifier")),
    Rule("momentum", "optimizer", only=("sgd",)),
    Rule("amsgrad", "optimizer", only=("adam", "adamw")),
    Rule("lr_decay", "lr_schedule", only=("step", "plateau")),
    Rule("lr_step", "lr_schedule", only=("step",)),
    Rule("lr_patience", "lr_schedule", only=("plateau",)),
    Rule("lr_power", "lr_schedule", only=("poly",)),
)
_RISE = Rule("lr_warmup", "lr_schedule", never=("one_cycle",))
ASKED = (
    *dict.fromkeys(name for rule in (*RULES, _RISE) for name in (rule.setting, rule.other)),
    "epochs",
)
"""The settings that are looked at."""


def recipe_problems(trials: Iterable[TrainSettings]) -> list[tuple[str, str]]:
    """Return (setting, problem) for every setting that trials ignore, or cannot train with.

    No single setting is wrong by itself: that is why this is asked of whole trials.
    """
    trials = list(trials)
    asked = [
        *((rule.setting, _check_rule(rule, trials)) for rule in RULES),
        ("lr_warmup", warmup_problem(trials)),
    ]
    return [(name, problem) for name, problem in asked if problem]


def warmup_problem(trials: Sequence[TrainSettings]) -> str | None:
    """Return why some of these trials cannot begin with the warm-up that they ask for."""
    rising = [trial for trial in trials if trial.lr_warmup]
    if not all(_RISE.has_effect(trial) for trial in rising):
        return _no_use(_RISE, rising, ", which rises by itself")
    long = [trial for trial in rising if trial.lr_warmup >= trial.epochs]
    if long:
        epochs = long[0].epochs
        return (
            f"of {long[0].lr_warmup} epochs leaves none of {epochs} for the schedule: "
            f"{epochs - 1} at most, or raise epochs"
        )
    return None


def _check_rule(rule: Rule, trials: Sequence[TrainSettings]) -> str | None:
    idle = [trial for trial in trials if not rule.has_effect(trial)]
    given = [trial for trial in trials if rule.is_given(trial)]
    values = {getattr(trial, rule.setting) for trial in idle}
    is_used = any(rule.has_effect(trial) for trial in given)
    if not any(rule.is_given(trial) for trial in idle) or (is_used and len(values) == 1):
        return None
    return _no_use(rule, given)


def _no_use(rule: Rule, given: Sequence[TrainSettings], why: str = "") -> str:
    idle = rule.chosen(trial for trial in given if not rule.has_effect(trial))
    what = f"is of no use with {rule.other}: {', '.join(idle)}{why}"
    if using := rule.chosen(trial for trial in given if rule.has_effect(trial)):
        return f"{what}: {only_when(rule.setting, rule.other, using)}"
    others = " or ".join(_written(value) for value in rule.only)
    choice = f"set {rule.other}: {others}" if others else f"choose another {rule.other}"
    return f"{what}: leave it out, or {choice}"


def _written(value: Choice) -> str:
    return value if isinstance(value, str) else json.dumps(value)
