"""The LR schedules: torch's own behind two calls, one function for each name in a sweep.yaml.

Every function takes (optimizer, settings, steps, score): `steps` optimizer steps in an epoch, and
the score by which plateau judges.
"""

from typing import Any, Generic, TypeVar

from torch.optim import Optimizer, lr_scheduler

from trainer.catalog import LR_SCHEDULES, load
from trainer.metrics import HIGHER_IS_BETTER
from trainer.settings import Score, TrainSettings

Scheduler = TypeVar("Scheduler", bound=lr_scheduler.LRScheduler)


class LRSchedule:
    """When the learning rate may change; this base never changes it."""

    def after_step(self) -> None:
        """Called after every optimizer step."""

    def after_epoch(self, score: float | None) -> None:
        """Called after every epoch with its score, None where there was no validation."""

    def state_dict(self) -> dict[str, Any]:
        """Return where the schedule is; the rate itself is in the optimizer's state."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from where another schedule of the same settings was."""


class _Scheduled(LRSchedule, Generic[Scheduler]):
    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler

    def state_dict(self) -> dict[str, Any]:
        return self._scheduler.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._scheduler.load_state_dict(state)


class _PerStep(_Scheduled[lr_scheduler.LRScheduler]):
    def after_step(self) -> None:
        self._scheduler.step()


class _PerEpoch(_Scheduled[lr_scheduler.LRScheduler]):
    def after_epoch(self, score: float | None) -> None:
        self._scheduler.step()


class _PerValidation(_Scheduled[lr_scheduler.ReduceLROnPlateau]):
    def after_epoch(self, score: float | None) -> None:
        if score is not None:
            self._scheduler.step(score)


def build_lr_schedule(
    optimizer: Optimizer, settings: TrainSettings, *, steps: int, score: Score
) -> LRSchedule:
    """Return the named schedule of the optimizer's learning rate."""
    schedule: LRSchedule = load(LR_SCHEDULES, settings.lr_schedule)(
        optimizer, settings, steps, score
    )
    return schedule


def constant(optimizer: Optimizer, settings: TrainSettings, steps: int, score: Score) -> LRSchedule:
    """Keep the learning rate."""
    return LRSchedule()


def step(optimizer: Optimizer, settings: TrainSettings, steps: int, score: Score) -> LRSchedule:
    """Multiply by lr_decay after every lr_step epochs."""
    return _PerEpoch(lr_scheduler.StepLR(optimizer, settings.lr_step, gamma=settings.lr_decay))


def plateau(optimizer: Optimizer, settings: TrainSettings, steps: int, score: Score) -> LRSchedule:
    """Multiply by lr_decay when more than lr_patience validations in a row were not better."""
    if settings.lr_decay == 1:  # torch refuses a decay that does not decay
        return LRSchedule()
    return _PerValidation(
        lr_scheduler.ReduceLROnPlateau(
            optimizer,
            mode="max" if HIGHER_IS_BETTER[score] else "min",
            factor=settings.lr_decay,
            patience=settings.lr_patience,
            threshold=0.0,  # any better score is better, as for the kept epoch and early stopping
        )
    )


def one_cycle(
    optimizer: Optimizer, settings: TrainSettings, steps: int, score: Score
) -> LRSchedule:
    """Rise from lr / 25 to lr over 30 % of all steps, then fall to near 0 (Smith and Topin, 2018).

    Momentum is not cycled: it is a setting of its own.
    """
    return _PerStep(
        lr_scheduler.OneCycleLR(
            optimizer,
            max_lr=[group["lr"] for group in optimizer.param_groups],
            total_steps=settings.epochs * steps,
            cycle_momentum=False,
        )
    )


def poly(optimizer: Optimizer, settings: TrainSettings, steps: int, score: Score) -> LRSchedule:
    """Lr * (1 - step / all steps) ** lr_power, at every step (ParseNet, DeepLab)."""
    return _PerStep(
        lr_scheduler.PolynomialLR(
            optimizer, total_iters=settings.epochs * steps, power=settings.lr_power
        )
    )


def cosine(optimizer: Optimizer, settings: TrainSettings, steps: int, score: Score) -> LRSchedule:
    """Half a cosine from lr to 0 over the epochs, no restarts (Loshchilov and Hutter, 2017)."""
    return _PerEpoch(lr_scheduler.CosineAnnealingLR(optimizer, T_max=settings.epochs))
