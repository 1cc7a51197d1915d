"""Finds axes without effect, and trials that compute the same although their params differ."""

from collections.abc import Mapping
from itertools import islice
from typing import Any

from searchctl.orchestrator.config.sweep import Sweep
from searchctl.searchspace import Params
from searchctl.searchspace.errors import Path, Problem
from searchctl.searchspace.values import freeze, text
from searchctl.trainer.settings.options.in_effect import (
    DEVICE,
    GPU_ONLY,
    NO_NUMBER,
    READ,
    SCHEDULE,
    in_effect,
    loss_in_effect,
)
from searchctl.trainer.settings.options.nested import with_values
from searchctl.trainer.settings.training import TrainSettings

Names = tuple[str, ...]
_MOST_CHECKED = 100
"""Values of an axis, and combinations with others, that decide whether it has an effect."""


def equal_trials(sweep: Sweep) -> list[Problem]:
    """Return a problem for each axis without effect, and for each set of axes with equal trials."""
    keys = _Keys(sweep)
    pairs: dict[Names, tuple[int, int]] = {}
    seen: dict[str, int] = {}
    for number, params in enumerate(sweep.trials()):
        same = seen.setdefault(keys.of(params), number)
        if same != number:
            names = _differing(sweep.trials()[same], params)
            pairs.setdefault(names, (same, number))
    idle = [name for name in sweep.space_.axes if keys.is_idle(name)]
    pairs = {names: pair for names, pair in pairs.items() if not set(names) & set(idle)}
    smallest = [names for names in pairs if not any(set(each) < set(names) for each in pairs)]
    return [
        *((("space", name), _idle_message(sweep, name)) for name in idle),
        *((_path(sweep, names), _message(sweep, names, *pairs[names])) for names in smallest),
    ]


class _Keys:
    """Keys of trials, equal where trials compute the same."""

    def __init__(self, sweep: Sweep) -> None:
        self._training = sweep.recipe
        self._on_gpu = sweep.resources.gpus_per_trial > 0
        self._axes = sweep.space_.axes
        self._searched = sorted(sweep.space_.names)
        # its many values matter here only beside an axis that weight decay gives its effect
        self._read = READ if "decay_norms" in self._searched else READ - {"weight_decay"}
        self._others = [n for n in self._searched if n not in self._read and not _is_of_loss(n)]
        self._base = sweep.recipe.model_dump(mode="json", by_alias=True)
        self._in_effect: dict[Params, str] = {}
        self._canonical: dict[str, str] = {}

    def of(self, params: Params) -> str:
        """Return the key of a trial."""
        read = Params({name: params[name] for name in params if name in self._read})
        if read not in self._in_effect:
            self._in_effect[read] = self._effect(read)
        others = (self._value(name, params) for name in self._others)
        return "\n".join([self._in_effect[read], self._loss(params), *others])

    def is_idle(self, name: str) -> bool:
        """Would no trial change with another value of this axis? To be called after `of`."""
        reads = [read for read in self._in_effect if name in read][:_MOST_CHECKED]
        values = [value for _, value in islice(self._axes[name].examples(), _MOST_CHECKED)]
        return (
            bool(reads)
            and len(values) > 1
            and all(
                self._effect({**read, name: value}) == self._in_effect[read]
                for read in reads
                for value in values
            )
        )

    def _effect(self, read: Mapping[str, Any]) -> str:
        return _text(in_effect(self._training.with_params(read), on_gpu=self._on_gpu))

    def _loss(self, params: Params) -> str:
        written = {name: params[name] for name in params if _is_of_loss(name)}
        return _text(loss_in_effect(with_values({"loss": self._base["loss"]}, written)["loss"]))

    def _value(self, name: str, params: Params) -> str:
        value = params.get(name, self._base.get(name))
        if value is None or isinstance(value, (int, float)) or "." in name:
            return _text(value)
        written = f"{name}={_text(value)}"
        if written not in self._canonical:  # a text may stand for a list
            settings = self._training.with_params({name: value})
            self._canonical[written] = _text(settings.model_dump(mode="json")[name])
        return self._canonical[written]


def _is_of_loss(name: str) -> bool:
    return name.partition(".")[0] == "loss"


def _text(value: object) -> str:
    return text(freeze(value))


def _differing(one: Mapping[str, Any], other: Mapping[str, Any]) -> Names:
    names = dict.fromkeys([*one, *other])
    return tuple(name for name in names if _text(one.get(name)) != _text(other.get(name)))


def _path(sweep: Sweep, names: Names) -> Path:
    axes = [name for name in names if name in sweep.space_.axes]
    return ("space", axes[0]) if axes else ("space", "points")


def _idle_message(sweep: Sweep, name: str) -> str:
    trial = next(trial for trial in sweep.trials() if name in trial)
    return f"none of its values changes a trial: {_why({name}, sweep.recipe.with_params(trial))}"


def _message(sweep: Sweep, names: Names, one: int, other: int) -> str:
    trials = sweep.trials()[one], sweep.trials()[other]
    values = (" and ".join(str(trial.get(n, "left out")) for trial in trials) for n in names)
    what = ", ".join(f"{name} {each}" for name, each in zip(names, values, strict=True))
    why = _why(set(names), sweep.recipe.with_params(trials[1]))
    return f"trials {one} and {other} ({what}) compute the same: {why}"


def _why(names: set[str], settings: TrainSettings) -> str:
    if names & NO_NUMBER:
        return "it changes no number; write it under training"
    if names & set(GPU_ONLY):
        return "auto is true on a GPU, and elsewhere it has no effect; write the values alone"
    if names & set(DEVICE):
        return "on this device auto stands for one of the others; write the values alone"
    if names & set(SCHEDULE):
        return _why_constant(settings)
    if any(map(_is_of_loss, names)):
        return "a weight of 0 leaves a loss out, and {dice: 1} alone is dice; leave one out"
    if "decay_norms" in names:
        return "there is no weight decay; set weight_decay above 0"
    if "patience" in names:
        return _why_to_the_end(settings.validation.count(settings.epochs))
    return "they are one value in two forms; leave one out"


def _why_to_the_end(scored: int) -> str:
    fix = f"write less than {scored - 1}, or more epochs" if scored > 2 else "write more epochs"
    return f"{scored} validations are too few for it to end a training early; {fix}"


def _why_constant(settings: TrainSettings) -> str:
    schedule, epochs = settings.lr_schedule, settings.epochs
    fixes = {
        "step": f"set lr_step below {epochs - settings.lr_warmup} and lr_decay below 1",
        "plateau": "set a smaller lr_patience, lr_decay below 1, or more epochs",
    }
    fix = fixes.get(schedule, "search lr_decay only `when` lr_schedule is step or plateau")
    return f"the learning rate never changes in {epochs} epochs of {schedule}; {fix}"
