"""In which epochs a sweep's jobs score the validation set: a property of the rung.

The best score of many validations is higher than that of two. So the number of validations may
differ between rungs, and never between the trials of a rung.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from searchctl.orchestrator.config.checks.space import possible_values
from searchctl.orchestrator.config.sweep import Sweep
from searchctl.trainer.settings.options.in_effect import needs_each_score
from searchctl.trainer.settings.training import TrainSettings
from searchctl.trainer.settings.validation import EVERY_EPOCH, LAST_TWO, Validate


@dataclass(frozen=True)
class SweepValidation:
    """In which epochs the jobs of each rung score the validation set."""

    below: Validate
    """On the rungs below the last one."""
    last: Validate
    """On the last rung, and in follow-up jobs."""

    def on(self, *, last: bool) -> Validate:
        """Return it for jobs of the last rung, or of a rung below."""
        return self.last if last else self.below

    def counts(self, epochs: Sequence[int], *, last: bool) -> list[int]:
        """Return how often jobs of so many epochs score the validation set, in their order."""
        counts = {each: self.on(last=last).count(each) for each in set(epochs)}
        return [counts[each] for each in epochs]


def validation_of(sweep: Sweep) -> SweepValidation:
    """Return in which epochs a sweep scores; with `validate: auto`, what that means for it.

    auto: every epoch on the last rung, and the last two below it, which keep nearly the same trials
    for a fraction of the cost. If a trial can stop early or has a plateau schedule, its training
    depends on the scores of all epochs, so every trial is scored after every epoch on every rung.
    """
    if isinstance(sweep.recipe.validate_, Validate):
        return SweepValidation(sweep.recipe.validate_, sweep.recipe.validate_)
    steered = sweep.script is None and (
        any(map(needs_each_score, _that_read_scores(sweep))) or _may_be_drawn_later(sweep)
    )
    return SweepValidation(EVERY_EPOCH if steered else LAST_TWO, EVERY_EPOCH)


def _that_read_scores(sweep: Sweep) -> Iterator[TrainSettings]:
    """Yield the settings of each trial with a patience or a plateau schedule."""
    recipe = sweep.recipe
    for params in sweep.trials():
        patience = params.get("patience", recipe.patience)
        if patience is not None or params.get("lr_schedule", recipe.lr_schedule) == "plateau":
            yield recipe.with_params(params)


def _may_be_drawn_later(sweep: Sweep) -> bool:
    """Can a trial that a model draws from results have a patience or a plateau schedule?

    The answer must not change in the course of a sweep, so it is that of the whole space.
    """
    if sweep.search.method != "tpe" or len(sweep.search.sizes) < 2:
        return False
    patient = any(value is not None for value in possible_values(sweep.space_, "patience"))
    return patient or "plateau" in possible_values(sweep.space_, "lr_schedule")
