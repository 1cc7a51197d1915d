"""The answers of a calibration, pure: which fractions can be trusted, and which ladder to use."""

from collections.abc import Sequence
from dataclasses import dataclass

from searchctl.orchestrator.calibration.ladders import Choice, Loss, losses
from searchctl.orchestrator.calibration.rungs import RungTrust, trust_of_rungs
from searchctl.orchestrator.calibration.table import Resampling, ScoreTable


@dataclass(frozen=True)
class Calibration:
    """What a calibration found."""

    table: ScoreTable
    rungs: tuple[RungTrust, ...]
    """From the lowest to the last."""
    yours: Loss
    """Of the ladder of the sweep file."""
    others: tuple[Loss, ...]
    """Of other ladders, the cheapest first; every trial on all of the data is among them."""

    @property
    def lowest_trusted(self) -> RungTrust | None:
        """The lowest rung that is shown to rank better than chance, as all above it are."""
        trusted = None
        for rung in reversed(self.rungs):
            if not (rung.correlation.shown and rung.correlation.value > 0):
                break
            trusted = rung
        return trusted

    @property
    def proposed(self) -> Loss:
        """The cheapest ladder that is shown to lose less than yours; yours if there is none."""
        better = (each for each in self.others if each.against_yours.value < 0)
        return next((each for each in better if each.against_yours.shown), self.yours)

    @property
    def as_good(self) -> tuple[Loss, ...]:
        """Ladders that cost less than yours, and for which no difference is shown."""
        cost = self.yours.choice.full_trainings
        cheaper = (each for each in self.others if each.choice.full_trainings < cost)
        return tuple(each for each in cheaper if not each.against_yours.shown)


def calibrated(table: ScoreTable, ladders: Sequence[Choice]) -> Calibration:
    """Return the answers of a table of scores.

    Args:
        table: of the calibration.
        ladders: that of the sweep file, and those that are compared with it.
    """
    resampling = Resampling(table.configurations)
    yours, *others = losses(table, resampling, ladders)
    return Calibration(
        table,
        tuple(trust_of_rungs(table, resampling, yours.choice.eta)),
        yours,
        tuple(sorted(others, key=lambda each: each.choice.full_trainings)),
    )


def without_gaps(
    scores: Sequence[Sequence[Sequence[float | None]]],
) -> tuple[list[list[list[float]]], list[int]]:
    """Return the scores of the configurations that have all of theirs, and their positions.

    Args:
        scores: [seeds, rungs, configurations]; None where a job diverged or failed.

    >>> without_gaps([[[0.1, None, 0.3]], [[0.2, 0.4, 0.6]]])
    ([[[0.1, 0.3]], [[0.2, 0.6]]], [0, 2])
    """
    whole = [
        place
        for place in range(len(scores[0][0]))
        if all(rung[place] is not None for seed in scores for rung in seed)
    ]
    kept = [
        [[value for place in whole if (value := rung[place]) is not None] for rung in seed]
        for seed in scores
    ]
    return kept, whole
