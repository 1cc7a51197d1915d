"""Draws the trials of every cohort again, for verify.py to compare with those that are stored."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from sqlalchemy import Engine

from searchctl.orchestrator.analysis.verification.record import Redraw
from searchctl.orchestrator.config.fingerprint import numbers_changed, versions
from searchctl.orchestrator.config.sweep import Sweep
from searchctl.orchestrator.run.cohorts import closed_trials
from searchctl.orchestrator.search.cohort_points import cohort_points
from searchctl.orchestrator.storage.reads import queries
from searchctl.orchestrator.storage.rows import CohortRow, SweepRow
from searchctl.searchspace import Params


def redraws(engine: Engine, row: SweepRow) -> list[Redraw]:
    """Draw every cohort again whose draw this installation can repeat.

    It cannot repeat draws of a version of searchctl whose numbers differ, and those of a model by
    another version of Optuna. Trials that are tried again are not drawn.
    """
    drawn = [each for each in queries.cohorts(engine, row) if _repeatable(each)]
    return list(_redraws(engine, row, drawn)) if drawn else []


def _repeatable(cohort: CohortRow) -> bool:
    stored = cohort.versions or {}
    if cohort.drawn_at is None or cohort.retried or not stored or numbers_changed(stored):
        return False
    return not cohort.source_trials or stored.get("optuna") == versions()["optuna"]


def _redraws(engine: Engine, row: SweepRow, cohorts: list[CohortRow]) -> Iterator[Redraw]:
    sweep = Sweep.from_json(row.spec)
    trials = queries.trials(engine, row)
    for cohort in cohorts:
        earlier = [Params(trial.params) for trial in trials if trial.cohort < cohort.number]
        stored = tuple(cohort.source_trials or ())
        points, sources = sweep.first_points(), tuple[int, ...]()
        if cohort.number:
            requested = replace(cohort, trials=_requested(sweep, cohort))
            closed = partial(closed_trials, engine, row)
            points, sources = cohort_points(sweep, requested, earlier, closed, row.direction)
        yield Redraw(cohort.number, len(earlier), points, sources, stored)


def _requested(sweep: Sweep, cohort: CohortRow) -> int:
    """Return how many trials were requested: fewer are stored if the space had no more."""
    sizes = sweep.search.sizes
    return cohort.trials if cohort.request else sizes[cohort.number]
