"""The rows of a sweep that several sections of a report need, and the facts of its trials."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

from sqlalchemy import Engine

from searchctl.orchestrator.analysis.judged import judged_by
from searchctl.orchestrator.config.sweep import Sweep
from searchctl.orchestrator.draws.points import Point
from searchctl.orchestrator.facts.accepted_changes import accepted_changes
from searchctl.orchestrator.facts.cohorts import all_rungs
from searchctl.orchestrator.facts.rung_warnings import warnings_of
from searchctl.orchestrator.facts.scripts import NOT_VOUCHED
from searchctl.orchestrator.facts.sweeps import JobState, rung_views
from searchctl.orchestrator.halving.limits import Quantity
from searchctl.orchestrator.halving.rule import Decision
from searchctl.orchestrator.report.facts import About, RungFacts
from searchctl.orchestrator.report.trial_facts import Step, TrialFacts
from searchctl.orchestrator.storage.reads import queries
from searchctl.orchestrator.storage.reads.ranking import RankedTrial
from searchctl.orchestrator.storage.reads.sweep_rows import SweepRows
from searchctl.orchestrator.storage.rows import CohortRow, JobRow, SweepRow, TrialRow
from searchctl.searchspace import Params


@dataclass(frozen=True)
class Stored:
    """The rows, each read once."""

    rows: SweepRows
    sweep: Sweep

    @classmethod
    def read(cls, engine: Engine, row: SweepRow) -> Self:
        """Read the sweep and its trials; other rows are read when they are needed."""
        rows = SweepRows(engine, row)
        points = [Point(Params(trial.params), trial.origin) for trial in rows.trials]
        return cls(rows, Sweep.of_stored(row.spec, points))

    @property
    def row(self) -> SweepRow:
        """The sweep's row."""
        return self.rows.row

    @property
    def engine(self) -> Engine:
        """The sweep's database."""
        return self.rows.engine

    @property
    def jobs(self) -> Sequence[JobRow]:
        """The jobs of its ladders."""
        return self.rows.jobs

    @property
    def cohorts(self) -> Sequence[CohortRow]:
        """Its cohorts."""
        return self.rows.cohorts

    @cached_property
    def trials(self) -> dict[int, TrialRow]:
        """Its trials, by number."""
        return {trial.number: trial for trial in self.rows.trials}

    @cached_property
    def ranked(self) -> dict[int, RankedTrial]:
        """The trials that have a rank, by number, the best first."""
        return {each.trial: each for each in self.rows.ranked}

    @cached_property
    def cohort_of(self) -> dict[int, int]:
        """Number of each trial's cohort."""
        return {number: trial.cohort for number, trial in self.trials.items()}

    @cached_property
    def measured(self) -> dict[int, dict[Quantity, float]]:
        """What limits judge each trial by."""
        hardware = {job.trial: job.hardware for job in self.jobs if job.hardware}
        return judged_by(self.engine, self.row, self.rows.trials, hardware)

    def about(self) -> About:
        """Return the facts of the sweep as a whole."""
        row, sweep = self.row, self.sweep
        events = queries.events(self.engine, row)
        return About(
            name=row.name,
            state=row.shown_state,
            task=sweep.task,
            dataset=sweep.data.dataset,
            score=sweep.halving.ranked_by,
            direction=row.direction,
            classes=row.classes,
            trials=len(self.trials),
            created_at=row.created_at,
            ended_at=row.ended_at,
            error=row.error,
            versions=row.versions,
            drivers=sum(event.kind == "driver" for event in events),
            recorded=sweep.halving.scores[1:],
            not_vouched=NOT_VOUCHED if sweep.script else None,
            hardware=tuple(sorted({job.hardware for job in self.jobs if job.hardware})),
            warnings=tuple(warnings_of(self.engine, row, self.jobs, self.rows.trials)),
            accepted=tuple(accepted_changes(events)),
        )

    def rungs(self) -> list[RungFacts]:
        """Return the current state of the ladders."""
        states = [
            JobState(job.rung, job.state, job.score, cohort=self.cohort_of[job.trial])
            for job in self.jobs
        ]
        closed = {(self.cohort_of[each.trial], each.rung): each for each in self.rows.decisions}
        first = {
            (self.cohort_of[each.trial], each.rung): each.score
            for each in self.rows.decisions
            if each.rank == 1
        }
        views = rung_views(all_rungs(self.cohorts), states, self.row.direction)
        return [
            RungFacts(
                rung=view.rung,
                fraction=str(view.fraction),
                images=view.images,
                trials=view.trials,
                done=view.done,
                running=view.running,
                failed=view.failed,
                best=first.get((view.cohort or 0, view.rung), view.best),
                kept=cut.kept if cut else None,
                cutoff=cut.cutoff if cut else None,
                cohort=view.cohort,
            )
            for view in views
            for cut in [closed.get((view.cohort or 0, view.rung))]
        ]

    def trial_facts(self) -> list[TrialFacts]:
        """Return every trial, the best first."""
        decisions = {(each.trial, each.rung): each for each in self.rows.decisions}
        jobs: dict[int, list[JobRow]] = {number: [] for number in self.trials}
        for job in self.jobs:
            jobs[job.trial].append(job)
        found = {n: _steps(jobs[n], decisions) for n in self.trials}
        rest = self.trials.keys() - self.ranked.keys()
        unranked = sorted(rest, key=lambda number: (-len(found[number]), number))
        return [
            _trial(number, self, jobs[number], found[number])
            for number in (*self.ranked, *unranked)
        ]


def _steps(jobs: Iterable[JobRow], decisions: Mapping[tuple[int, int], Decision]) -> list[Step]:
    steps = []
    for job in jobs:
        decision = decisions.get((job.trial, job.rung))
        steps.append(
            Step(
                rung=job.rung,
                images=job.images,
                state=job.state,
                score=job.score,
                rank=decision.rank if decision else None,
                verdict=decision.verdict if decision else None,
                reason=decision.reason if decision else None,
                kept_epoch=job.kept_epoch,
                seconds=job.seconds,
            )
        )
    return steps


def _trial(number: int, stored: Stored, jobs: Sequence[JobRow], steps: list[Step]) -> TrialFacts:
    ended = [job for job in jobs if job.evaluations]
    sizes = [job.trainable_parameters for job in jobs if job.trainable_parameters]
    return TrialFacts(
        trial=number,
        place=stored.ranked[number].rank if number in stored.ranked else None,
        state=stored.trials[number].state,
        params=stored.trials[number].params,
        cohort=stored.trials[number].cohort,
        origin=stored.trials[number].origin,
        steps=steps,
        trainable_parameters=sizes[-1] if sizes else None,
        latency_ms=ended[-1].latency_ms if ended else None,
        device=ended[-1].device if ended else None,
        evaluations=(ended[-1].evaluations or {}) if ended else {},
        violation=stored.ranked[number].violation if number in stored.ranked else "",
        measured=stored.measured.get(number, {}),
        seconds=sum(job.seconds or 0.0 for job in jobs),
        gpu_seconds=sum(job.gpu_seconds or 0.0 for job in jobs),
        peak_memory_bytes=max((job.peak_memory_bytes or 0 for job in jobs), default=0) or None,
    )
