"""How a planned sweep uses its slots, and whether one larger ladder would do as well."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from searchctl.orchestrator.config.sweep import Sweep
from searchctl.orchestrator.halving.follow_up import NO_FOLLOW_UP
from searchctl.orchestrator.halving.rule import Ladder, Rung, plan_ladder
from searchctl.orchestrator.planning.cost import Span
from searchctl.orchestrator.planning.occupancy.use import Durations, Order, Use, use_of
from searchctl.orchestrator.planning.plan import Plan, trial_epochs

MOST = 2_000
"""Most trials of a sweep whose schedule is run to plan it, which takes up to two seconds."""
MOST_WITH_COHORTS = 40_000
"""Largest product of its trials and its cohorts: every job is looked for in every cohort."""
SAME_COST = 1.05
"""Largest ratio of the costs of two ladders that count as equally expensive."""
SHORTER = 0.95
"""Largest ratio of the wall times of one ladder and of cohorts at which the ladder is proposed."""


@dataclass(frozen=True)
class OneLadder:
    """A single ladder with as many trials as all cohorts have, at the same cost."""

    ladder: Ladder
    use: Use

    def to_json(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {
            "trials": self.ladder.trials,
            "finalists": self.ladder.rungs[-1].trials,
            "full_trainings": float(self.ladder.full_trainings),
            **asdict(self.use),
        }


@dataclass(frozen=True)
class Occupancy:
    """How a planned sweep uses the slots of its trials."""

    slots: int
    """Number of trials at a time."""
    use: Use
    measured: bool
    """Whether times are seconds by a probe. Otherwise they are in full trainings (trainings of a
    mean trial on all of the data), and all trials are equally fast."""
    instead: OneLadder | None
    """The ladder that would do as well in less time, if there is one."""

    def to_json(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {
            "slots": self.slots,
            "unit": "seconds" if self.measured else "full trainings",
            **asdict(self.use),
            "one_ladder": self.instead.to_json() if self.instead else None,
        }


def occupancy_of(
    sweep: Sweep, plan: Plan, slots: int, durations: Durations | None = None
) -> Occupancy | None:
    """Return how a sweep uses its slots; None if it has too many trials for a quick answer.

    Args:
        sweep: the sweep.
        plan: its plan.
        slots: number of trials at a time.
        durations: durations of its jobs by a probe; without them, all trials are equally fast.
    """
    if plan.trials > MOST or plan.trials * len(plan.ladders) > MOST_WITH_COHORTS:
        return None
    at = durations or _relative(sweep, plan)
    use = use_of(Order.of(sweep, plan.ladders), at, slots)
    ladder = _one_ladder(sweep, plan)
    one = OneLadder(ladder, use_of(Order([ladder], 1, NO_FOLLOW_UP), at, slots)) if ladder else None
    if one and one.use.wall.expected > SHORTER * use.wall.expected:
        one = None
    return Occupancy(slots, use, durations is not None, one)


def _relative(sweep: Sweep, plan: Plan) -> Durations:
    """Return durations in trainings of a mean trial on all of the data."""
    epochs = trial_epochs(sweep)
    whole = plan.ladder.rungs[-1].images * sum(epochs) / len(epochs)

    def at(rung: Rung) -> Sequence[Span]:
        return [Span.exactly(rung.images * each / whole) for each in epochs]

    return at


def _one_ladder(sweep: Sweep, plan: Plan) -> Ladder | None:
    """Return a ladder that does as well as equal cohorts, of which none learns from another."""
    first, cohorts = plan.ladder.rungs, len(plan.ladders)
    equal = all(each.rungs == first for each in plan.ladders)
    if cohorts == 1 or not equal or sweep.search.method == "tpe" or plan.after:
        return None
    halving = sweep.halving
    ladder = plan_ladder(
        plan.trials,
        first[-1].images,
        eta=halving.eta,
        finalists=halving.finalists * cohorts,
        keep=halving.keep,
        min_fraction=first[0].fraction,
        fractions=halving.fractions,
        min_images=first[0].images,
    )
    return ladder if ladder.full_trainings <= SAME_COST * plan.full_trainings else None
