"""The winner beside the best known point: what a search has gained over what was used before."""

from dataclasses import dataclass

from sqlalchemy import Engine

from searchctl.orchestrator.facts.sweeps import number
from searchctl.orchestrator.storage.reads.ranking import RankedTrial
from searchctl.orchestrator.storage.reads.sweep_rows import SweepRows
from searchctl.orchestrator.storage.rows import SweepRow
from searchctl.orchestrator.storage.scores import ranked_by
from searchctl.trainer.scores.catalog import ScoreName, title


@dataclass(frozen=True)
class Baseline:
    """The best known point of a sweep (`search.known`), compared with the best trial."""

    trial: int
    winner: int
    score: ScoreName
    value: float
    """Its score on the highest rung that it has reached; the mean over seeds, if that ranks it."""
    rung: int
    rank: int
    """Its place among all trials."""
    gain: float | None
    """How much better the winner is; None if the point has not reached the winner's rung, or
    exceeds a limit that the winner keeps. Negative only with `one_seed`."""
    violation: str = ""
    """Which limits it exceeds, in words; empty if none."""
    one_seed: bool = False
    """Whether `gain` is of one seed: the winner is chosen by a mean that the point has not."""

    def __str__(self) -> str:
        value = f"{title(self.score)} {number(self.value)}"
        if self.trial == self.winner:
            return f"The winner is a known point (search.known), {value}: no other trial is better."
        known = f"The best known point is trial {self.trial}"
        if self.gain is None and self.violation:
            return f"{known}, {value}. It exceeds halving.limits: {self.violation}."
        if self.gain is None:
            return (
                f"{known}. It was cut on rung {self.rung} ({value}), so it cannot be compared with "
                "the winner; `halving: {protect_known: true}` keeps known points to the end."
            )
        if self.one_seed:
            better = "better" if self.gain > 0 else "worse"
            return (
                f"{known}, {value} with one seed; with that seed the winner is {better} by "
                f"{number(abs(self.gain))}."
            )
        return f"{known}, {value}: the winner is better by {number(self.gain)}."


def read_baseline(engine: Engine, row: SweepRow, rows: SweepRows | None = None) -> Baseline | None:
    """Return the best known point; None if a sweep has none, or none with a score yet.

    Args:
        engine: the sweep's database.
        row: the sweep.
        rows: its rows, where some were read before.
    """
    rows = rows or SweepRows(engine, row)
    known = {each.number for each in rows.trials if each.origin == "known"}
    if not known:
        return None
    best = next((each for each in rows.ranked if each.trial in known), None)
    return None if best is None else _compared(best, rows.ranked[0], row)


def _compared(best: RankedTrial, winner: RankedTrial, row: SweepRow) -> Baseline:
    alike = bool(best.violation) == bool(winner.violation)
    one_seed = best.mean is None and winner.mean is not None
    gain = winner.score - best.score if one_seed else winner.value - best.value
    if row.direction == "minimize":
        gain = -gain
    comparable = best.rung == winner.rung and alike
    return Baseline(
        trial=best.trial,
        winner=winner.trial,
        score=ranked_by(row.spec),
        value=best.value,
        rung=best.rung,
        rank=best.rank,
        gain=gain if comparable else None,
        violation=best.violation,
        one_seed=one_seed and comparable,
    )
