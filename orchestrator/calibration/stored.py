"""Reads the scores of a calibration's sweeps from their database."""

import math
from collections.abc import Sequence

import numpy as np
from sqlalchemy import Engine

from searchctl.orchestrator.calibration.answer import without_gaps
from searchctl.orchestrator.calibration.sweeps import LEAST_TRIALS
from searchctl.orchestrator.calibration.table import ScoreTable
from searchctl.orchestrator.core.errors import SearchctlError
from searchctl.orchestrator.halving.rule import Ladder
from searchctl.orchestrator.storage.reads import queries
from searchctl.orchestrator.storage.rows import SweepRow

ByRung = list[list[float | None]]
"""Scores [rungs, trials]; None where a job diverged or failed."""


def scores_of(engine: Engine, sweep: SweepRow) -> ByRung:
    """Return a finished sweep's scores, where higher is better."""
    sign = 1.0 if sweep.direction == "maximize" else -1.0
    trials = sweep.ladder[0]["trials"]
    found: ByRung = [[None] * trials for _ in sweep.ladder]
    for job in queries.jobs(engine, sweep):
        if job.score is not None and math.isfinite(job.score):
            found[job.rung][job.trial] = sign * job.score
    return found


def refuse_equal_scores(scores: ByRung, sweep: SweepRow) -> None:
    """Check that the scores on all of the data can be ranked.

    Raises:
        SearchctlError: all of them are equal, or none is finite.
    """
    full = {score for score in scores[-1] if score is not None}
    if len(full) < 2:
        raise SearchctlError(
            f"all trials of '{sweep.name}' have the same score on all of the data, so there is no "
            "ranking to judge: train for more epochs, or name another `halving.score`"
        )


def table_of(seeds: Sequence[ByRung], ladder: Ladder) -> tuple[ScoreTable, list[int]]:
    """Return the table of the sweeps of all seeds, and the places of its configurations.

    Raises:
        SearchctlError: too few configurations have all of their scores.
    """
    scores, whole = without_gaps(seeds)
    if len(whole) < LEAST_TRIALS:
        raise SearchctlError(
            f"only {len(whole)} of {len(seeds[0][0])} configurations have a score on every rung "
            f"with every seed; the others diverged or failed. {LEAST_TRIALS} are needed: calibrate "
            "more of them (--trials), or search a narrower space"
        )
    fractions = tuple(rung.fraction for rung in ladder.rungs)
    return ScoreTable(fractions, np.array(scores)), whole
