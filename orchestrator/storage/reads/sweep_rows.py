"""The rows of a sweep that several views of one command need: each kind is read once."""

from dataclasses import dataclass
from functools import cached_property

from sqlalchemy import Engine

from searchctl.orchestrator.halving.rule import Decision
from searchctl.orchestrator.storage.reads import queries
from searchctl.orchestrator.storage.reads.ranking import RankedTrial, ranked_trials
from searchctl.orchestrator.storage.rows import CohortRow, JobRow, SweepRow, TrialRow


@dataclass(frozen=True)
class SweepRows:
    """The rows of one sweep. They are read when they are first needed, and then kept."""

    engine: Engine
    row: SweepRow

    @cached_property
    def cohorts(self) -> list[CohortRow]:
        """Its cohorts, by number."""
        return queries.cohorts(self.engine, self.row)

    @cached_property
    def trials(self) -> list[TrialRow]:
        """Its trials, by number."""
        return queries.trials(self.engine, self.row)

    @cached_property
    def jobs(self) -> list[JobRow]:
        """The jobs of its ladders, by rung, then trial."""
        return queries.jobs(self.engine, self.row)

    @cached_property
    def decisions(self) -> list[Decision]:
        """Its decisions, in the order they were made."""
        return queries.decisions(self.engine, self.row)

    @cached_property
    def ranked(self) -> list[RankedTrial]:
        """Its trials that have a rank, the best first."""
        return ranked_trials(self.engine, self.row)

    def best(self, count: int) -> list[RankedTrial]:
        """Return the best trials alone: all are read only if `ranked` has read them before."""
        if "ranked" in vars(self):
            return self.ranked[:count]
        return ranked_trials(self.engine, self.row, count)
