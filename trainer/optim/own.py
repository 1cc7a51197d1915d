"""Optimizers and LR schedules that are not ours, by import path: torch's classes, or functions."""

from typing import Any

from torch.optim import Optimizer

from searchctl.trainer.core.errors import SettingsError
from searchctl.trainer.optim.lr_schedules import LRSchedule, Span
from searchctl.trainer.own_code.calls import (
    accepted,
    accepts,
    checked_call,
    import_object,
    own_errors,
)
from searchctl.trainer.settings.source.own import OwnOptions


def own_optimizer(groups: list[dict[str, Any]], options: OwnOptions) -> Optimizer:
    """Return the optimizer of an import path, over groups with their lr and weight decay.

    It is called as `Name(params, lr=..., weight_decay=..., **optimizer_args)`; lr and weight_decay
    are left out where it has no such parameter.

    Raises:
        SettingsError: it cannot be imported or built, or it has no weight_decay and needs one.
    """
    where, target = options.where, import_object(options.where)
    decay = max(group["weight_decay"] for group in groups)
    if decay and not accepts(target, "weight_decay"):
        raise SettingsError(f"{where} has no parameter weight_decay: leave weight_decay out")
    if not accepts(target, "weight_decay"):
        groups = [{k: v for k, v in group.items() if k != "weight_decay"} for group in groups]
    given: dict[tuple[str, ...], object] = {("lr",): groups[0]["lr"], ("weight_decay",): decay}
    optimizer = checked_call(where, target, groups, **accepted(target, given, options.args))
    if not isinstance(optimizer, Optimizer):
        raise SettingsError(
            f"{where} gives {type(optimizer).__name__}, not a torch.optim.Optimizer"
        )
    return optimizer


class _OwnSchedule(LRSchedule):
    """A scheduler that is stepped after every optimizer step."""

    def __init__(self, where: str, scheduler: Any) -> None:
        self._where = where
        self._scheduler = scheduler

    def after_step(self) -> None:
        with own_errors(self._where):
            self._scheduler.step()

    def state_dict(self) -> dict[str, Any]:
        with own_errors(self._where):
            state: dict[str, Any] = self._scheduler.state_dict()
        return state

    def load_state_dict(self, state: dict[str, Any]) -> None:
        with own_errors(self._where):
            self._scheduler.load_state_dict(state)


def own_lr_schedule(
    optimizer: Optimizer, options: OwnOptions, span: Span, higher_is_better: bool
) -> LRSchedule:
    """Return the LR schedule of an import path, stepped after every optimizer step.

    It is called as `Name(optimizer, steps=..., epochs=..., **lr_schedule_args)`: all optimizer
    steps and all epochs of the schedule, where it has parameters of these names.

    Raises:
        SettingsError: it cannot be imported or built, or is no scheduler.
    """
    where, target = options.where, import_object(options.where)
    given: dict[tuple[str, ...], object] = {("steps",): span.all_steps, ("epochs",): span.epochs}
    args = accepted(target, given, options.args)
    scheduler = checked_call(where, target, optimizer, **args)
    missing = [n for n in ("step", "state_dict", "load_state_dict") if not hasattr(scheduler, n)]
    if missing:
        raise SettingsError(
            f"{where} gives {type(scheduler).__name__} without {', '.join(missing)}: return a "
            "torch.optim.lr_scheduler.LRScheduler"
        )
    return _OwnSchedule(where, scheduler)
