"""The sweeps that a calibration runs: some trials of a sweep on every rung, one sweep for a seed.

They are ordinary sweeps without a cut. So they can be stopped and resumed, and a job that another
sweep of the database computes too is trained once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from searchctl.orchestrator.calibration.ladders import Choice
from searchctl.orchestrator.calibration.options import LadderSettings, choices
from searchctl.orchestrator.config.sweep import Sweep
from searchctl.orchestrator.core.errors import SearchctlError
from searchctl.orchestrator.halving.follow_up import draw, training_seed
from searchctl.orchestrator.halving.job_key import JobKey
from searchctl.orchestrator.halving.rule import Ladder
from searchctl.orchestrator.planning.plan import Plan, plan_sweep

LEAST_TRIALS = 4
"""Fewer configurations have too few pairs for any answer."""


@dataclass(frozen=True)
class CalibrationSweeps:
    """What a calibration trains."""

    sweep: Sweep
    """The user's."""
    plan: Plan
    """Of the user's sweep."""
    trials: tuple[int, ...]
    """Numbers of the drawn trials in the user's sweep."""
    sweeps: tuple[Sweep, ...]
    """One for each seed. The first has the seed of the user's sweep."""
    plans: tuple[Plan, ...]

    @property
    def full_trainings(self) -> Fraction:
        """Cost of all of them, in units of one training on all of the data."""
        return sum((plan.ladder.full_trainings for plan in self.plans), start=Fraction(0))

    @property
    def choices(self) -> list[Choice]:
        """The ladders to compare, for all trials of the user's sweep; the user's first."""
        ladder, halving = self.plan.ladder, self.sweep.halving
        yours = LadderSettings(
            trials=ladder.trials,
            images=ladder.rungs[-1].images,
            min_images=self.sweep.largest_batch,
            eta=halving.eta,
            finalists=halving.finalists,
            keep=halving.keep,
            min_fraction=halving.smallest_fraction(0),
            fractions=tuple(halving.fractions) if halving.fractions else None,
            protected=len(self.sweep.protected),
        )
        return choices(yours, [rung.fraction for rung in ladder.rungs])


def calibration_sweeps(sweep: Sweep, *, trials: int, seeds: int) -> CalibrationSweeps:
    """Return the sweeps of a calibration.

    Args:
        sweep: the user's.
        trials: how many of its trials are drawn.
        seeds: with how many seeds each is trained.

    Raises:
        SearchctlError: there is nothing to compare: too few trials, or one rung only.
    """
    plan = plan_sweep(sweep)
    _refuse_nothing_to_compare(sweep, plan.ladder)
    drawn = sorted(draw(range(plan.ladder.trials), trials, sweep.seed))
    base = _without_cuts(sweep, drawn, plan.ladder)
    key = base.spec_hash[:6]
    each = tuple(_with_seed(base, key, number) for number in range(seeds))
    plans = tuple(plan_sweep(one) for one in each)
    return CalibrationSweeps(sweep, plan, tuple(drawn), each, plans)


def _refuse_nothing_to_compare(sweep: Sweep, ladder: Ladder) -> None:
    if ladder.trials < LEAST_TRIALS:
        raise SearchctlError(
            f"'{sweep.name}' has {ladder.trials} trial{'s' * (ladder.trials > 1)}: a calibration "
            f"compares {LEAST_TRIALS} configurations or more; search more values under `space:`"
        )
    if len(ladder.rungs) < 2:
        why = f" ({'; '.join(ladder.warnings)})" if ladder.warnings else ""
        raise SearchctlError(
            f"the ladder of '{sweep.name}' has one rung, on all {ladder.rungs[0].images} images"
            f"{why}: there is no smaller sample to judge. More images, a smaller batch_size or "
            "fewer finalists give it more rungs; `searchctl plan` shows them"
        )


def _without_cuts(sweep: Sweep, drawn: Sequence[int], ladder: Ladder) -> Sweep:
    values = sweep.to_json()
    points = [dict(sweep.trials()[number]) for number in drawn]
    halving = {
        **values["halving"],
        "keep": "all",
        "fractions": [str(rung.fraction) for rung in ladder.rungs],
        **{"min_fraction": None, "finalists": 1, "repeats": 1, "choose": "best", "audit": 0},
        "protect_known": False,
        "limits": None,  # they change no score
    }
    return Sweep.from_json(
        {
            **values,
            "space": {"points": points},
            "search": {"method": "grid"},
            "halving": halving,
            "budget": {**values["budget"], "target": None},
            **{"hooks": {}, "loggers": {}},  # they are about the sweep itself
        }
    )


def _with_seed(base: Sweep, key: str, number: int) -> Sweep:
    """Return the sweep of one seed: the sweep's own, and those of its repeats."""
    seed = training_seed(JobKey(0, 0, "repeat", number), base.seed) if number else base.seed
    name = f"{base.name[:80]}-calibrate-{key}-{number}"
    values: dict[str, Any] = {**base.to_json(), "name": name, "seed": seed}
    return Sweep.from_json(values)
