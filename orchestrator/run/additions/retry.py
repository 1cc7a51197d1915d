"""Enters failed trials of a stored sweep again. No stored decision changes.

A trial whose rung is open is trained again on it. One whose rung is closed becomes a member of a
further cohort, with a ladder of its own. The next driver trains both.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import Engine

from searchctl.orchestrator.config.sweep import Sweep
from searchctl.orchestrator.driver.lease import Lease
from searchctl.orchestrator.facts.cohorts import protected_trials
from searchctl.orchestrator.facts.text import counted
from searchctl.orchestrator.halving.job_key import JobKey, key_of
from searchctl.orchestrator.halving.rule import Decision
from searchctl.orchestrator.planning.ladders import cohort_ladder
from searchctl.orchestrator.run.additions.extend import refuse_driven
from searchctl.orchestrator.run.cohorts import new_cohort
from searchctl.orchestrator.storage.reads import queries
from searchctl.orchestrator.storage.rows import CohortRow, JobRow, SweepRow
from searchctl.orchestrator.storage.writes.cohorts import NewCohort
from searchctl.orchestrator.storage.writes.writer import SweepWriter


@dataclass(frozen=True)
class Failed:
    """The trials of a sweep without a score that no cohort has tried again."""

    open: Sequence[JobKey]
    """Failed jobs on rungs that are not closed."""
    closed: Sequence[int]
    """Numbers of trials that failed on rungs that are closed."""
    diverged: Sequence[int]
    """Numbers of trials that diverged. The same job would diverge again."""


def failed_trials(engine: Engine, row: SweepRow) -> Failed:
    """Return the failed and the diverged trials of a sweep."""
    return _failed(
        queries.jobs(engine, row), queries.decisions(engine, row), queries.cohorts(engine, row)
    )


def _failed(
    jobs: Iterable[JobRow], decisions: Iterable[Decision], cohorts: Iterable[CohortRow]
) -> Failed:
    verdict_on = {JobKey(each.trial, each.rung): each.verdict for each in decisions}
    again = {trial for cohort in cohorts for trial in cohort.retried}
    failed = [key for key, verdict in verdict_on.items() if verdict == "failed"]
    return Failed(
        [key_of(job) for job in jobs if job.state == "FAIL" and key_of(job) not in verdict_on],
        sorted(key.trial for key in failed if key.trial not in again),
        sorted({job.trial for job in jobs if job.state == "DIVERGED"}),
    )


def retry_failed(engine: Engine, row: SweepRow) -> tuple[Failed, NewCohort | None]:
    """Enter the failed trials of a sweep again, whether it has ended or not.

    Returns:
        What has failed, and the cohort of those whose rung is closed. Nothing is stored if no trial
        has failed.

    Raises:
        SweepBusy: a driver runs it.
    """
    refuse_driven(row, "retry its failed trials")
    with Lease(engine, row.id) as lease:
        failed = failed_trials(engine, row)
        cohort = _cohort_of(engine, row, failed.closed) if failed.closed else None
        if failed.open or cohort:
            writer = SweepWriter(engine, row.id, lease.token, lease.ttl_s)
            writer.retry_failed(failed.open, cohort)
    return failed, cohort


def nothing_left(engine: Engine, row: SweepRow) -> str:
    """Say that an ended sweep has nothing to train, and what can be added to it."""
    failed = len(failed_trials(engine, row).closed)
    again = f"`searchctl resume {row.name} --retry-failed` enters {counted(failed, 'failed trial')}"
    if row.state == "FAIL":
        further = f"{again} again, once their cause is fixed" if failed else ""
    else:
        more = f"`searchctl extend {row.name} --trials N` adds trials"
        further = f"{more}, and {again} again" if failed else more
    return f"'{row.name}' has ended, and nothing is left to train" + f": {further}" * bool(further)


def _cohort_of(engine: Engine, row: SweepRow, trials: Sequence[int]) -> NewCohort:
    """Return a further cohort, whose members are failed trials alone."""
    sweep, cohorts = Sweep.from_json(row.spec), queries.cohorts(engine, row)
    number, images = len(cohorts), row.ladder[-1]["images"]
    batch = sweep.largest_possible_batch
    failed = queries.trials(engine, row, trials)
    protected = len(protected_trials(row.spec, failed))
    ladder = cohort_ladder(sweep, number, len(trials), images, batch, protected)
    request = max(cohort.request for cohort in cohorts) + 1
    return new_cohort(sweep, number, ladder, (), request, trials)
