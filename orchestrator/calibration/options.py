"""The ladders that a calibration compares with that of the sweep file, pure.

Each differs from it in one setting. Those with a rung that was not measured are left out.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from searchctl.orchestrator.calibration.ladders import Choice
from searchctl.orchestrator.halving.rule import Keep, Ladder, plan_ladder

FINALISTS = (1, 2, 4)


@dataclass(frozen=True)
class LadderSettings:
    """What decides the ladder of a sweep."""

    trials: int
    images: int
    min_images: int
    eta: int
    finalists: int
    keep: Keep = "floor"
    min_fraction: Fraction | None = None
    fractions: tuple[Fraction, ...] | None = None
    protected: int = 0

    def ladder(self) -> Ladder:
        """Return the ladder."""
        return plan_ladder(**vars(self))


def choices(yours: LadderSettings, measured: Sequence[Fraction]) -> list[Choice]:
    """Return the ladders to compare: yours first, every trial on all of the data last.

    Args:
        yours: the settings of the sweep file.
        measured: the fractions of the rungs that were measured, in their order.
    """
    found = [_choice(each, measured) for each in (yours, *_with_one_change(yours, measured))]
    in_full = Choice(yours.eta, yours.trials, (len(measured) - 1,), Fraction(yours.trials))
    return list(dict.fromkeys([*(each for each in found if each), in_full]))


def _with_one_change(
    yours: LadderSettings, measured: Sequence[Fraction]
) -> Iterator[LadderSettings]:
    if not yours.fractions:  # below the lowest measured rung, nothing is known
        yours = replace(yours, min_fraction=measured[0])
    yield replace(yours, eta=yours.eta**2)
    for start in range(1, len(measured) - 1):
        if yours.fractions:
            yield replace(yours, fractions=tuple(measured[start:]))
        else:
            yield replace(yours, min_fraction=measured[start])
    for finalists in FINALISTS:
        if finalists < yours.trials:
            yield replace(yours, finalists=finalists)


def _choice(settings: LadderSettings, measured: Sequence[Fraction]) -> Choice | None:
    ladder = settings.ladder()
    if any(rung.fraction not in measured for rung in ladder.rungs):
        return None
    rungs = tuple(measured.index(rung.fraction) for rung in ladder.rungs)
    return Choice(settings.eta, settings.finalists, rungs, ladder.full_trainings)
