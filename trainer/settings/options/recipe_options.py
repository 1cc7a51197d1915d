"""Which settings go with which loss, optimizer and schedule. Imports without torch.

Two trials that differ only in a setting without effect are the same trial, trained twice. A setting
without effect in any trial is a mistake. Both are refused. A setting may stand under `training:`
where some trials use it and the others ignore the same value; its default is never a problem.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from searchctl.trainer.settings.catalog import RECIPE, part_named
from searchctl.trainer.settings.marks import Choice, NoEffect, marks_of
from searchctl.trainer.settings.options.model_options import OPTIONS, only_when
from searchctl.trainer.settings.parts import owners
from searchctl.trainer.settings.source.own import ARGS, ENTRY_POINTS, OwnPart, args_setting
from searchctl.trainer.settings.sums import written
from searchctl.trainer.settings.training import TrainSettings


@dataclass(frozen=True)
class Rule:
    """A setting has an effect only with some values of another one, or with all but some."""

    setting: str
    other: str
    only: tuple[Choice, ...] = ()
    never: tuple[Choice, ...] = ()

    def has_effect(self, trial: TrainSettings) -> bool:
        """Does the setting change anything in this trial?"""
        chosen = getattr(trial, self.other)
        parts = [chosen]
        if isinstance(chosen, Mapping):  # a sum of losses
            parts = [name for name, weight in chosen.items() if weight]
        if self.only:
            return any(part in self.only for part in parts)
        return any(part not in self.never for part in parts)

    def is_given(self, trial: TrainSettings) -> bool:
        """Is the setting at another value than its default?"""
        default = TrainSettings.model_fields[self.setting].default
        return bool(getattr(trial, self.setting) != default)

    def chosen(self, trials: Iterable[TrainSettings]) -> list[str]:
        """Return the other setting's values in these trials, as they are written in YAML."""
        return list(dict.fromkeys(_written(getattr(trial, self.other)) for trial in trials))


def _part_rules() -> Iterator[Rule]:
    for kind, parts in RECIPE.items():
        for option, names in owners(parts).items():
            if option not in OPTIONS:  # of a constructor: model_options checks these
                yield Rule(option, kind, only=tuple(names))


def _setting_rules() -> Iterator[Rule]:
    for name, mark in marks_of(TrainSettings, NoEffect):
        yield Rule(name, mark.other, never=mark.values)


RULES = (*_part_rules(), *_setting_rules())
"""Rules of options, from the catalogs of parts and the marks of settings."""
_WARMUP = Rule("lr_warmup", "lr_schedule", never=("one_cycle",))
READ = (
    *dict.fromkeys(name for rule in (*RULES, _WARMUP) for name in (rule.setting, rule.other)),
    *ARGS,
    "epochs",
)
"""The settings that these checks read."""


def recipe_problems(trials: Iterable[TrainSettings]) -> list[tuple[str, str]]:
    """Return (setting, problem) for every setting that trials ignore, or cannot train with."""
    trials = list(trials)
    checked = [
        *((rule.setting, _check_rule(rule, trials)) for rule in RULES),
        ("lr_warmup", warmup_problem(trials)),
        *((args_setting(kind), _check_args(kind, trials)) for kind in ENTRY_POINTS),
    ]
    return [(name, problem) for name, problem in checked if problem]


def warmup_problem(trials: Sequence[TrainSettings]) -> str | None:
    """Return why some of these trials cannot have their warm-up; None if all can."""
    rising = [trial for trial in trials if trial.lr_warmup]
    if not all(_WARMUP.has_effect(trial) for trial in rising):
        return _no_use(_WARMUP, rising, ", which rises by itself")
    long = [trial for trial in rising if trial.lr_warmup >= trial.epochs]
    if long:
        epochs = long[0].epochs
        return (
            f"of {long[0].lr_warmup} epochs leaves none of {epochs} for the schedule: "
            f"{epochs - 1} at most, or raise epochs"
        )
    return None


def _check_args(kind: str, trials: Sequence[TrainSettings]) -> str | None:
    """Return why arguments of own parts are of no use to parts of ours."""
    setting = args_setting(kind)
    given = [trial for trial in trials if getattr(trial, setting)]
    idle = [trial for trial in given if not _is_own(kind, trial)]
    distinct = {json.dumps(getattr(trial, setting), sort_keys=True) for trial in idle}
    if not idle or (len(idle) < len(given) and len(distinct) == 1):
        return None
    chosen = [getattr(trial, kind) for trial in idle]
    if kind == "augment":
        chosen = [each if isinstance(each, str) else "a pipeline" for each in chosen]
    names = ", ".join(dict.fromkeys(map(_written, chosen)))
    what = f"is of no use with {kind}: {names}, whose options are settings of their own"
    own = list(dict.fromkeys(getattr(trial, kind) for trial in given if _is_own(kind, trial)))
    fix = only_when(f"{setting}.NAME", kind, own) if own else "leave it out"
    return f"{what}: {fix}"


def _is_own(kind: str, trial: TrainSettings) -> bool:
    return isinstance(part_named(kind, getattr(trial, kind)), OwnPart)


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


def _written(value: Choice | Mapping[str, float]) -> str:
    if isinstance(value, Mapping):
        return written(value)
    return value if isinstance(value, str) else json.dumps(value)
