"""Ends a run of a sweep: stores how it ended, and reports that."""

import time
from collections.abc import Sequence

from upath import UPath

from searchctl.orchestrator.artifacts.pictures import JobPicture
from searchctl.orchestrator.callbacks.all import Callbacks
from searchctl.orchestrator.callbacks.completed import Completed
from searchctl.orchestrator.callbacks.hooks import Hooks
from searchctl.orchestrator.core.errors import SearchctlError, SweepBlocked, SweepFailed
from searchctl.orchestrator.facts.cohorts import all_rungs
from searchctl.orchestrator.facts.ranking import rank_trials
from searchctl.orchestrator.facts.sweeps import JobState, after_views, missing, rung_views
from searchctl.orchestrator.facts.text import main_line
from searchctl.orchestrator.halving.follow_up import follow_up_settings
from searchctl.orchestrator.halving.job_key import ALL, JobKey
from searchctl.orchestrator.run.assembly import Parts
from searchctl.orchestrator.run.preparation.prepare import Prepared
from searchctl.orchestrator.search.mirror import mirror_all
from searchctl.orchestrator.storage.reads import queries
from searchctl.orchestrator.storage.reads.ranking import RankedTrial
from searchctl.orchestrator.storage.rows import JobRow

LEAVE_AFTER_S = 10.0
"""Seconds that a stopped sweep waits for a database that does not answer."""


def close(parts: Parts) -> None:
    """Store how the sweep ended, after everything before it.

    Raises:
        SearchctlError: the database does not answer.
        SweepBlocked: files, or the data set, cannot be used.
        SweepFailed: no trial of a rung has a finite score.
    """
    prepared, stop = parts.prepared, parts.stop
    leave_at = time.monotonic() + LEAVE_AFTER_S
    parts.outbox.put(lambda: _store_end(parts))
    if not parts.outbox.drain(lambda: stop() and time.monotonic() > leave_at):
        raise SearchctlError(
            "the database does not answer: results that it could not store are trained again by "
            f"`searchctl resume {prepared.row.name}`"
        )
    if stop.blocked:
        raise SweepBlocked(
            f"{stop.reason}\nthis is not a trial's fault. Fix it, then `searchctl resume "
            f"{prepared.row.name}`"
        )
    if failure := parts.schedule.cohorts.failure:
        raise SweepFailed(queries.find_sweep(prepared.engine, prepared.row.name).error or failure)


def report_end(prepared: Prepared, callbacks: Callbacks, hooks: Hooks) -> None:
    """Tell the callbacks of the sweep's end; the hooks report its errors when they are closed."""
    row = queries.find_sweep(prepared.engine, prepared.sweep.name)
    if row.state == "COMPLETE":
        ranked = rank_trials(prepared.engine, row)
        callbacks.completed(Completed(ranked, _masks(prepared, ranked)))
    else:
        hooks.stopped(row.error)


def _masks(prepared: Prepared, ranked: Sequence[RankedTrial]) -> dict[int, UPath]:
    """Return the files of the finalists' masks by trial, the best first, from the jobs' keys."""
    last = max(each.rung for each in ranked)
    tokens = {
        (each.trial, each.rung): each.token
        for each in queries.attempts(prepared.engine, prepared.row)
        if each.outcome == "complete" and each.kind == "ladder"
    }
    found = {}
    for trial in (each.trial for each in ranked if each.rung == last):
        if token := tokens.get((trial, last)):
            file = JobPicture(last, token, "masks").file
            found[trial] = prepared.runs / JobKey(trial, last).folder / token / file
    return found


def state_of(job: JobRow, cohort: int = 0) -> JobState:
    """Return what a display needs of a stored job."""
    return JobState(job.rung, job.state, job.score, kind=job.kind, cohort=cohort)


def _store_end(parts: Parts) -> None:
    prepared = parts.prepared
    engine, row = prepared.engine, prepared.row
    jobs = queries.jobs(engine, row, kinds=ALL)
    if parts.mirror.behind:
        attempts, decisions = queries.attempts(engine, row), queries.decisions(engine, row)
        mirror_all(parts.mirror, prepared.sweep, parts.trials, jobs, attempts, decisions)
    if failure := parts.schedule.cohorts.failure:
        parts.writer.set_state("FAIL", failure + first_fault(row.name, jobs))
    elif parts.schedule.finished:
        parts.cleanup.finish()
        winner = rank_trials(engine, row, 1)[0]
        parts.mirror.name_winner(winner.trial)
        if row.state != "COMPLETE":  # a resumed one keeps the time of its end
            parts.writer.set_state("COMPLETE", winner=winner.trial, mean=winner.mean)
    else:
        reason = f"{parts.stop.reason}; missing: {_missing(parts, jobs)}"
        parts.writer.set_state("STOPPED", reason)


def _missing(parts: Parts, jobs: Sequence[JobRow]) -> str:
    row, cohort_of = parts.prepared.row, parts.schedule.cohorts.cohort_of
    states = [state_of(job, cohort_of(job.trial)) for job in jobs]
    cohorts = queries.cohorts(parts.prepared.engine, row)
    rungs = rung_views(all_rungs(cohorts), states, row.direction)
    return missing(rungs, after_views(rungs, follow_up_settings(row.spec), states))


def first_fault(name: str, jobs: Sequence[JobRow]) -> str:
    """Name the command that shows the first trial with an error on the rung that has failed.

    The line of the error that matters is quoted. Without any error it is the rung's first trial.
    """
    on_rung = [job for job in jobs if job.rung == jobs[-1].rung]
    for job in on_rung:
        if line := main_line(job.error):
            return f" (see `searchctl show {name} {job.trial}`)\ntrial {job.trial}: {line}"
    return f" (see `searchctl show {name} {on_rung[0].trial}`)" if on_rung else ""
