"""The LR schedules: torch's own behind two calls, one function for each name in a sweep.yaml.

Every function takes (optimizer, options, span, higher_is_better): its own options, the epochs and
steps of the schedule, and the direction of the score by which plateau judges.
"""

from typing import Any, Generic, NamedTuple, TypeVar

from torch.optim import Optimizer, lr_scheduler

from searchctl.trainer.core.errors import SettingsError
from searchctl.trainer.optim.catalog import PlateauOptions, PolyOptions, StepOptions
from searchctl.trainer.settings.catalog import part_named
from searchctl.trainer.settings.options.recipe_options import warmup_problem
from searchctl.trainer.settings.parts import Options
from searchctl.trainer.settings.training import TrainSettings

Scheduler = TypeVar("Scheduler", bound=lr_scheduler.LRScheduler)


class Span(NamedTuple):
    """The length of a schedule."""

    epochs: int
    steps: int
    """Optimizer steps in an epoch."""

    @property
    def all_steps(self) -> int:
        """Optimizer steps in all epochs."""
        return self.epochs * self.steps


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
        """Continue from the state of another schedule of the same settings."""


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


class _WarmUp(LRSchedule):
    """A rise to the learning rate, and then another schedule from its start.

    At the k-th of n steps of the warm-up the rate is lr * k / (n + 1) (Goyal et al., 'Accurate,
    Large Minibatch SGD', 2017, section 2.2), so that the first step after it is the first with
    `lr` itself. Steps, epochs and scores of the warm-up are not passed to the other schedule.
    """

    def __init__(self, optimizer: Optimizer, span: Span, then: LRSchedule) -> None:
        self._epochs_left = span.epochs
        self._then = then
        self._rise = lr_scheduler.LambdaLR(
            optimizer, lambda step: min((step + 1) / (span.all_steps + 1), 1.0)
        )

    def after_step(self) -> None:
        if self._epochs_left:
            self._rise.step()
        else:
            self._then.after_step()

    def after_epoch(self, score: float | None) -> None:
        if self._epochs_left:
            self._epochs_left -= 1
        else:
            self._then.after_epoch(score)

    def state_dict(self) -> dict[str, Any]:
        return {
            "epochs_left": self._epochs_left,
            "rise": self._rise.state_dict(),
            "then": self._then.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._epochs_left = state["epochs_left"]
        self._rise.load_state_dict(state["rise"])
        self._then.load_state_dict(state["then"])


def build_lr_schedule(
    optimizer: Optimizer, settings: TrainSettings, *, steps: int, higher_is_better: bool
) -> LRSchedule:
    """Return the named schedule of the optimizer's learning rate, after its warm-up if it has one.

    The schedule starts after the warm-up, and has the remaining epochs: poly and cosine fall from
    lr to 0 over these, step counts epochs and plateau counts validations from there.

    Args:
        optimizer: with the initial learning rates of the settings.
        settings: of the trial.
        steps: optimizer steps in an epoch.
        higher_is_better: the direction of the score, for plateau.

    Raises:
        SettingsError: the warm-up does not go with the schedule or with the number of epochs.
    """
    if problem := warmup_problem([settings]):
        raise SettingsError(f"lr_warmup {problem}")
    span = Span(settings.epochs - settings.lr_warmup, steps)
    part = part_named("lr_schedule", settings.lr_schedule)
    schedule: LRSchedule = part.load()(optimizer, part.options_in(settings), span, higher_is_better)
    if settings.lr_warmup:
        return _WarmUp(optimizer, Span(settings.lr_warmup, steps), then=schedule)
    return schedule


def constant(
    optimizer: Optimizer, options: Options, span: Span, higher_is_better: bool
) -> LRSchedule:
    """Keep the learning rate."""
    return LRSchedule()


def step(
    optimizer: Optimizer, options: StepOptions, span: Span, higher_is_better: bool
) -> LRSchedule:
    """Multiply by lr_decay after every lr_step epochs."""
    return _PerEpoch(lr_scheduler.StepLR(optimizer, options.lr_step, gamma=options.lr_decay))


def plateau(
    optimizer: Optimizer, options: PlateauOptions, span: Span, higher_is_better: bool
) -> LRSchedule:
    """Multiply by lr_decay when more than lr_patience validations in a row were not better."""
    if options.lr_decay == 1:  # torch refuses a decay that does not decay
        return LRSchedule()
    return _PerValidation(
        lr_scheduler.ReduceLROnPlateau(
            optimizer,
            mode="max" if higher_is_better else "min",
            factor=options.lr_decay,
            patience=options.lr_patience,
            threshold=0.0,  # any better score is better, as for the kept epoch and early stopping
        )
    )


def one_cycle(
    optimizer: Optimizer, options: Options, span: Span, higher_is_better: bool
) -> LRSchedule:
    """Rise from lr / 25 to lr over 30 % of all steps, then fall to near 0 (Smith and Topin, 2018).

    Momentum is not cycled: it is a setting of its own.
    """
    return _PerStep(
        lr_scheduler.OneCycleLR(
            optimizer,
            max_lr=[group["lr"] for group in optimizer.param_groups],
            total_steps=span.all_steps,
            cycle_momentum=False,
        )
    )


def poly(
    optimizer: Optimizer, options: PolyOptions, span: Span, higher_is_better: bool
) -> LRSchedule:
    """Lr * (1 - step / all steps) ** lr_power, at every step (ParseNet, DeepLab)."""
    return _PerStep(
        lr_scheduler.PolynomialLR(optimizer, total_iters=span.all_steps, power=options.lr_power)
    )


def cosine(
    optimizer: Optimizer, options: Options, span: Span, higher_is_better: bool
) -> LRSchedule:
    """Half a cosine from lr to 0 over the epochs, no restarts (Loshchilov and Hutter, 2017)."""
    return _PerEpoch(lr_scheduler.CosineAnnealingLR(optimizer, T_max=span.epochs))
