"""Why a trial was promoted or pruned at each rung, and how sure that is, from the stored rows."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine

from searchctl.orchestrator.analysis.certainty import Certainty, NotKnown, read_certainty
from searchctl.orchestrator.analysis.image_evidence import ImageEvidence
from searchctl.orchestrator.core.errors import SearchctlError, SweepNotFound
from searchctl.orchestrator.halving.rule import Decision
from searchctl.orchestrator.statistics.cut import Corrected, Opponent, compare, needed, opponents
from searchctl.orchestrator.statistics.paired_bootstrap import NotAssessable, same_images
from searchctl.orchestrator.statistics.per_class import ClassPair, compare_classes
from searchctl.orchestrator.storage.reads import queries
from searchctl.orchestrator.storage.reads.sweep_rows import SweepRows
from searchctl.orchestrator.storage.rows import JobRow, SweepRow
from searchctl.orchestrator.storage.scores import ranked_by
from searchctl.trainer.core.results import ImageCounts
from searchctl.trainer.scores.catalog import ScoreName

CLEARLY = 0.01
"""Difference in IoU from which on a class counts as lost."""
NEAREST = 2
"""Neighbours in rank to show on each side."""


@dataclass(frozen=True)
class Neighbour:
    """A trial of the same rung, near in rank or at the cut."""

    trial: int
    rank: int
    score: float
    verdict: str
    differs: dict[str, tuple[Any, Any]]
    """Name of each param that differs -> this trial's value and the neighbour's; None if a trial
    has no such param."""


@dataclass(frozen=True)
class ClassFacts:
    """IoU of one class: this trial's network and its opponent's."""

    name: str
    pair: ClassPair
    best_kept_iou: float | None
    """The best IoU among all trials that the cut kept."""

    @property
    def lost(self) -> bool:
        """Whether every kept network is clearly worse at this class."""
        best = self.best_kept_iou
        return best is not None and self.pair.iou - best >= CLEARLY


@dataclass(frozen=True)
class Comparison:
    """This trial's network compared with the nearest one on the other side of the cut."""

    opponent: Opponent
    sure: Corrected | NotAssessable
    """This trial's score minus the opponent's, with its uncertainty."""
    classes: list[ClassFacts]
    """Empty if the pixel counts of one of the two are not stored."""


@dataclass(frozen=True)
class ExplainedRung:
    """One rung of a trial."""

    rung: int
    job: JobRow
    decision: Decision | None
    """None while the rung is not closed."""
    neighbours: list[Neighbour]
    """In the order of rank, including the trial; empty without a score, or before the cut."""
    comparison: Comparison | None
    """None if no trial was cut, a limit decided, or this trial has no score."""


@dataclass(frozen=True)
class Explained:
    """One trial, rung by rung."""

    sweep: str
    trial: int
    state: str
    params: dict[str, Any]
    score: ScoreName
    rungs: list[ExplainedRung]
    certainty: Certainty | NotKnown | None
    """How sure the sweep's winner is; None unless the trial is a finalist."""
    cohort: int | None = None
    """Number of its cohort, among which it is ranked; None if the sweep has only one."""


def explain_trial(
    engine: Engine,
    row: SweepRow,
    trial: int,
    rung: int | None = None,
    rows: SweepRows | None = None,
) -> Explained:
    """Return why a trial was promoted or pruned, at one rung or at all rungs that it has reached.

    Args:
        engine: the sweep's database.
        row: the sweep.
        trial: number of the trial.
        rung: number of the rung; None for all.
        rows: the sweep's rows, where some were read before.

    Raises:
        SweepNotFound: the sweep has no trial of that number.
        SearchctlError: the trial has not reached that rung, or stored counts are damaged.
    """
    rows = rows or SweepRows(engine, row)
    sweep = _Stored(rows)
    if trial not in sweep.params:
        known = len(sweep.params) - 1
        raise SweepNotFound(f"sweep '{row.name}' has trials 0 to {known}, not {trial}")
    jobs = [job for job in queries.jobs(engine, row, trial) if rung in (None, job.rung)]
    if rung is not None and not jobs:
        raise SearchctlError(
            f"trial {trial} has not reached rung {rung} (`searchctl show {row.name} {trial}`)"
        )
    rungs = [sweep.explain(job) for job in jobs]
    finalist = any(each.decision and each.decision.verdict == "complete" for each in rungs)
    return Explained(
        row.name,
        trial,
        sweep.states[trial],
        sweep.params[trial],
        sweep.score,
        rungs,
        read_certainty(engine, row, rows) if finalist else None,
        sweep.cohorts[trial] if row.cohorts > 1 else None,
    )


class _Stored:
    """The stored rows of a sweep, read when they are first needed."""

    def __init__(self, rows: SweepRows) -> None:
        self._rows, self._engine, self._row = rows, rows.engine, rows.row
        self._images = ImageEvidence(self._engine, self._row)
        self.score: ScoreName = ranked_by(self._row.spec)
        trials = rows.trials
        self.params = {trial.number: trial.params for trial in trials}
        self.states = {trial.number: trial.state for trial in trials}
        self.cohorts = {trial.number: trial.cohort for trial in trials}
        self._rungs: dict[tuple[int, int], list[Decision]] = {}
        for decision in rows.decisions:
            place = self.cohorts[decision.trial], decision.rung
            self._rungs.setdefault(place, []).append(decision)

    def explain(self, job: JobRow) -> ExplainedRung:
        decisions = self._rungs.get((self.cohorts[job.trial], job.rung), [])
        mine = next((d for d in decisions if d.trial == job.trial), None)
        if mine is None or mine.rank is None:
            return ExplainedRung(job.rung, job, mine, [], None)
        ranked = sorted((d for d in decisions if d.rank is not None), key=lambda d: d.rank or 0)
        neighbours = [self._neighbour(job.trial, each) for each in _nearest(ranked, mine)]
        if mine.verdict == "complete":
            place = {each.trial: each.rank for each in self._rows.ranked}  # of all cohorts
            ranked.sort(key=lambda d: place[d.trial])
        others = [d.trial for d in ranked if d is mine or not d.spared]
        comparison = self._comparison(mine, others)
        return ExplainedRung(job.rung, job, mine, neighbours, comparison)

    def _neighbour(self, trial: int, other: Decision) -> Neighbour:
        mine, theirs = self.params[trial], self.params[other.trial]
        differs = {
            name: (mine.get(name), theirs.get(name))
            for name in {**mine, **theirs}
            if mine.get(name) != theirs.get(name)
        }
        rank, score = other.rank or 0, other.score or 0.0
        return Neighbour(other.trial, rank, score, other.verdict, differs)

    def _comparison(self, mine: Decision, ranked: Sequence[int]) -> Comparison | None:
        if mine.margin is None and mine.verdict != "complete":
            return None  # nothing was cut, or the limits decided
        against = opponents(ranked, mine.kept, last=mine.verdict == "complete")
        if mine.trial not in against:
            return None
        opponent = against[mine.trial]
        counts = self._images.counts(mine.rung, needed(mine.trial, against))
        pair = [counts[each] for each in (mine.trial, opponent.trial) if each in counts]
        sure = self._judge(mine.trial, against, counts)
        classes = list(self._classes(mine, *pair)) if len(pair) == 2 else []
        return Comparison(opponent, sure, classes)

    def _judge(
        self, trial: int, against: Mapping[int, Opponent], counts: Mapping[int, ImageCounts]
    ) -> Corrected | NotAssessable:
        other = against[trial].trial
        draws = self._images.draws_for(counts, trial, other)
        if isinstance(draws, NotAssessable):
            return draws
        alike = {key: each for key, each in counts.items() if same_images(counts[trial], each)}
        return compare(trial, against, alike, *draws)

    def _classes(
        self, decision: Decision, mine: ImageCounts, other: ImageCounts
    ) -> Iterator[ClassFacts]:
        cohort = self.cohorts[decision.trial]
        best = queries.best_class_iou(self._engine, self._row, decision.rung, cohort)
        for pair in compare_classes(mine, other):
            name = self._row.classes[pair.class_id]
            yield ClassFacts(name, pair, best.get(pair.class_id))


def _nearest(ranked: Sequence[Decision], mine: Decision) -> list[Decision]:
    """Return a trial, its neighbours, and the two trials at the cut, by rank."""
    at, cut = (mine.rank or 0) - 1, mine.kept
    wanted = {*range(at - NEAREST, at + NEAREST + 1), cut - 1, cut}
    return [ranked[place] for place in sorted(wanted) if 0 <= place < len(ranked)]
