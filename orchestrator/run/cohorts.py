"""The cohorts of a sweep: those of its launch, and how each is drawn while it runs."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Self

from sqlalchemy import Engine

from searchctl.orchestrator.config.fingerprint import versions
from searchctl.orchestrator.config.sweep import Sweep
from searchctl.orchestrator.draws.points import Point
from searchctl.orchestrator.facts.cohorts import protected_trials
from searchctl.orchestrator.halving.cohorts import (
    Cohorts,
    DrawnCohort,
    PlannedCohort,
    sources_of,
)
from searchctl.orchestrator.halving.ladder_rows import ladder_of, ladder_rows
from searchctl.orchestrator.halving.rule import Ladder
from searchctl.orchestrator.search.cohort_points import cohort_points
from searchctl.orchestrator.storage.reads import queries
from searchctl.orchestrator.storage.rows import CohortRow, SweepRow, TrialRow
from searchctl.orchestrator.storage.writes.cohorts import NewCohort, NewDraw
from searchctl.orchestrator.storage.writes.writer import SweepWriter
from searchctl.searchspace import Params

if TYPE_CHECKING:
    from searchctl.orchestrator.draws.tpe import ClosedTrial


def launched_cohorts(sweep: Sweep, ladders: Sequence[Ladder]) -> list[NewCohort]:
    """Return the cohorts that a launch requests."""
    return [
        new_cohort(sweep, number, ladder, sources_of(number, sweep.search.lag))
        for number, ladder in enumerate(ladders)
    ]


def new_cohort(
    sweep: Sweep,
    number: int,
    ladder: Ladder,
    sources: Sequence[int],
    request: int = 0,
    retried: Sequence[int] = (),
) -> NewCohort:
    """Return a cohort as it is stored when it is requested; `retried` are failed trials."""
    smallest = sweep.halving.smallest_fraction(number)
    return NewCohort(
        number=number,
        trials=ladder.trials,
        method=sweep.search.method,
        settings={"random_share": str(sweep.search.random_share)},
        seed=sweep.seed,
        min_fraction=None if smallest is None else str(smallest),
        ladder=ladder_rows(ladder),
        lag=sweep.search.lag,
        sources=sources,
        request=request,
        retried=retried,
    )


@dataclass(frozen=True)
class StoredTrials:
    """The cohorts of a sweep and their trials, as they are stored."""

    cohorts: list[CohortRow]
    trials: list[TrialRow]
    params: dict[int, Params]
    """Params of each trial by number; those of later draws are added."""

    @classmethod
    def read(cls, engine: Engine, row: SweepRow) -> Self:
        """Read them."""
        trials = queries.trials(engine, row)
        params = {trial.number: Params(trial.params) for trial in trials}
        return cls(queries.cohorts(engine, row), trials, params)


def stored_cohorts(row: SweepRow, stored: StoredTrials) -> Cohorts:
    """Return the state machine of a sweep's stored cohorts, before their outcomes."""
    rows = stored.cohorts
    planned = [
        PlannedCohort(c.number, ladder_of(c.ladder), c.lag, c.request, bool(c.retried))
        for c in rows
    ]
    found = Cohorts(planned, row.direction)
    for cohort in rows:
        if cohort.drawn_at is not None:
            found.open(cohort.number, _drawn(row, cohort.number, stored.trials))
    return found


def _drawn(row: SweepRow, number: int, trials: Sequence[TrialRow]) -> DrawnCohort:
    """Return the trials of a cohort, from those of its sweep."""
    mine = [trial for trial in trials if trial.cohort == number]
    return DrawnCohort([trial.number for trial in mine], protected_trials(row.spec, mine))


class CohortDrawer:
    """Draws the next cohort of a running sweep from closed ones, and stores it."""

    def __init__(
        self,
        engine: Engine,
        row: SweepRow,
        sweep: Sweep,
        writer: SweepWriter,
        trials: dict[int, Params],
        prepare: Callable[[Mapping[int, Params]], None],
    ) -> None:
        """Draw cohorts of `sweep`.

        Args:
            engine: its database, in which all results of the sources are stored.
            row: its row.
            sweep: its settings.
            writer: stores the draws.
            trials: params of all trials by number; those of each draw are added.
            prepare: makes what new trials need, such as their initial weights.
        """
        self._engine, self._row, self._sweep = engine, row, sweep
        self._writer, self._trials, self._prepare = writer, trials, prepare

    def draw(self, number: int) -> DrawnCohort:
        """Draw a cohort; return its trials. It may be repeated.

        Raises:
            SearchctlError: the trials cannot be prepared.
        """
        cohort = queries.cohorts(self._engine, self._row)[number]
        if cohort.drawn_at is None:
            points, sources = self._points(cohort)
            first = len(self._trials)
            new = {first + n: point.params for n, point in enumerate(points)}
            self._prepare(new)
            self._writer.draw_cohort(NewDraw(number, first, points, sources, versions()))
        rows = queries.trials(self._engine, self._row)
        drawn = _drawn(self._row, number, rows)
        self._trials |= {row.number: Params(row.params) for row in rows if row.cohort == number}
        return drawn

    def _points(self, cohort: CohortRow) -> tuple[list[Point], tuple[int, ...]]:
        """Return the points of a cohort, and the numbers of the trials that a model used."""
        if cohort.retried:
            failed = queries.trials(self._engine, self._row, cohort.retried)
            return [Point(Params(each.params), each.origin) for each in failed], ()
        closed = partial(closed_trials, self._engine, self._row)
        taken = self._trials.values()
        return cohort_points(self._sweep, cohort, taken, closed, self._row.direction)


def closed_trials(engine: Engine, row: SweepRow, cohorts: Collection[int]) -> "list[ClosedTrial]":
    """Return the trials of closed cohorts with their scores by number of training images."""
    from searchctl.orchestrator.draws.tpe import ClosedTrial  # imports Optuna

    trials = [each for each in queries.trials(engine, row) if each.cohort in cohorts]
    scores: dict[int, dict[int, float | None]] = {trial.number: {} for trial in trials}
    for job in queries.jobs(engine, row):
        if job.trial in scores:
            scores[job.trial][job.images] = job.score if job.state == "COMPLETE" else None
    return [ClosedTrial(t.number, Params(t.params), scores[t.number]) for t in trials]
