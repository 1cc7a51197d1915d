"""Runs sweeps: puts the parts together, and drives a sweep to its end.

This is the only place where the database, the Optuna mirror, the bracket and an executor meet.
"""

import logging
import time
from collections.abc import Callable, Iterable
from contextlib import closing, nullcontext
from functools import partial

from searchctl.orchestrator.artifacts.garbage import collect, used_bytes
from searchctl.orchestrator.callbacks.all import Callbacks, hooks_of, loggers_of
from searchctl.orchestrator.callbacks.hooks import Hooks
from searchctl.orchestrator.config.fingerprint import versions
from searchctl.orchestrator.config.spec import differences
from searchctl.orchestrator.core.cluster_address import driver_address, submission
from searchctl.orchestrator.core.errors import SearchctlError, SweepBlocked, SweepFailed
from searchctl.orchestrator.core.processes import worker_name
from searchctl.orchestrator.executors.base import Executor
from searchctl.orchestrator.executors.inline import InlineExecutor
from searchctl.orchestrator.facts.progress import Progress
from searchctl.orchestrator.facts.ranking import rank_trials
from searchctl.orchestrator.facts.sweeps import JobState, after_views, missing, rung_views
from searchctl.orchestrator.halving.bracket import Bracket, BracketError
from searchctl.orchestrator.halving.follow_up import follow_up_settings
from searchctl.orchestrator.halving.job_key import ALL, JobKey, key_of
from searchctl.orchestrator.halving.schedule import Schedule
from searchctl.orchestrator.run.budget import (
    Condition,
    DiskMeter,
    GpuMeter,
    StopConditions,
    budget_conditions,
)
from searchctl.orchestrator.run.driver import Driver
from searchctl.orchestrator.run.lease import Lease
from searchctl.orchestrator.run.prepare import Prepared, val_images
from searchctl.orchestrator.search.mirror import mirror_all
from searchctl.orchestrator.search.study import StudyMirror
from searchctl.orchestrator.storage.faults import full, unreachable
from searchctl.orchestrator.storage.reads import queries
from searchctl.orchestrator.storage.rows import AttemptRow, JobRow, SweepRow
from searchctl.orchestrator.storage.writer import SweepWriter
from searchctl.trainer.data.samples import build_dataset, data_fingerprint

log = logging.getLogger("searchctl")

LEAVE_AFTER_S = 10.0
"""How long a stopped sweep waits for a database that does not answer."""

Display = Callable[..., Progress]
"""Makes what shows the progress: given ladder, direction, epochs and done, as Progress is."""


def run(
    prepared: Prepared,
    *,
    executor: Executor | None = None,
    display: Display = Progress,
    stopping: Condition = lambda: None,
    say: Callable[[str], None] = lambda line: None,
    clock: Callable[[], float] = time.monotonic,
) -> SweepRow:
    """Run a prepared sweep until it ends, or must stop; return its row.

    Args:
        prepared: the sweep.
        executor: where its jobs run; Ray, if None.
        display: shows the progress.
        stopping: asked often; the reason to stop, for people, or None.
        say: is told what there is to wait for before the first job.
        clock: seconds of what jobs hold and wait for; a simulation's own, where nothing is trained.

    Raises:
        SweepBusy: another driver is at work on it.
        SweepFailed: no trial of a rung has a finite score.
        SweepBlocked: files, or the data set, cannot be used; no trial is to blame.
        LeaseLost: another driver has taken the sweep over.
        DatabaseFull: nothing more can be stored.
    """
    row, engine, sweep = prepared.row, prepared.engine, prepared.sweep
    with Lease(engine, row.id, say=say) as lease:
        writer = SweepWriter(engine, row.id, lease.token, lease.ttl_s)
        _take_over(prepared, writer, lease)
        mirror = _open_mirror(prepared)
        jobs, attempts = queries.jobs(engine, row, kinds=ALL), queries.attempts(engine, row)
        asked = follow_up_settings(row.spec)
        meter = GpuMeter(attempts, clock)
        stop = _stop_conditions(prepared, lease, stopping, meter)
        with (
            prepared.places.kept() if prepared.places else nullcontext(),
            closing(mirror),
            hooks_of(sweep, row, writer.note, say) as hooks,
            loggers_of(sweep, row.classes) as loggers,
            display(
                row.ladder, row.direction, prepared.plan.epochs, _done(jobs), asked=asked
            ) as shown,
        ):
            driver = Driver(
                sweep,
                Schedule(Bracket(prepared.plan.ladder, row.direction), asked),
                writer,
                mirror,
                Callbacks(shown, [hooks, *loggers]),
                prepared.runs,
                initial=prepared.initial,
                collect=partial(_collect, prepared),
                meter=meter,
                stop=stop,
                clock=clock,
            )
            _replay(driver, prepared, jobs, attempts, mirror)
            if not driver.course.finished:
                driver.outbox.put(partial(writer.set_state, "RUNNING"))
                (executor or ray_executor(prepared)).run(driver, stop)
                driver.abandon_next()
            _close(prepared, driver, writer, mirror, stop)
            _report_end(prepared, hooks)
    return queries.find_sweep(engine, sweep.name)


def _report_end(prepared: Prepared, hooks: Hooks) -> None:
    """Run the hook on how the sweep has ended; an error is told when the hooks are left."""
    row = queries.find_sweep(prepared.engine, prepared.sweep.name)
    if row.state == "COMPLETE":
        hooks.finished(rank_trials(prepared.engine, row, 5))
    else:
        hooks.stopped(row.error)


def ray_executor(prepared: Prepared) -> Executor:
    """Return the executor that a sweep's resources ask for."""
    from searchctl.orchestrator.executors.ray.tune import RayTuneExecutor

    resources = prepared.sweep.resources
    return RayTuneExecutor(
        cpus=resources.cpus_per_trial,
        gpus=resources.gpus_per_trial,
        others=resources.others,
        max_parallel=resources.max_parallel,
        address=driver_address(resources.address),
        places=prepared.places,
    )


def inline_executor() -> Executor:
    """Return the executor that runs one job at a time in this process."""
    return InlineExecutor()


def _take_over(prepared: Prepared, writer: SweepWriter, lease: Lease) -> None:
    """Record who drives from now on, and end what a driver that died has left open."""
    sweep, row = prepared.sweep, prepared.row
    abandoned = writer.close_open_attempts("its driver ended before it", lease.last_heard)
    if sweep.to_json() != row.spec or prepared.changes:
        fingerprint, initial = data_fingerprint(sweep.data), prepared.initial.to_json()
        images = val_images(build_dataset(sweep.data))
        writer.replace_spec(
            sweep.to_json(), sweep.spec_hash, versions(), fingerprint, initial, images
        )
    changed = differences(row.spec, sweep.to_json())
    submitted = {"job": job} if (job := submission()) else {}
    writer.note(
        "driver",
        driver=worker_name(),
        **submitted,
        versions=versions(),
        abandoned=abandoned,
        changed=changed,
        accepted=list(prepared.changes),
    )


def _open_mirror(prepared: Prepared) -> StudyMirror:
    sweep = prepared.sweep
    try:
        return StudyMirror(prepared.url, sweep.name, prepared.row.direction, sweep.space_)
    except Exception as error:
        if full(error) or unreachable(error):
            raise
        raise SearchctlError(
            f"cannot open the Optuna study '{sweep.name}' in the database: {error}; if another "
            f"program made it, rename it; then `searchctl resume {sweep.name}`"
        ) from error


def _stop_conditions(
    prepared: Prepared, lease: Lease, stopping: Condition, meter: GpuMeter
) -> StopConditions:
    return StopConditions(
        [
            stopping,
            lambda: "another driver has taken the sweep over" if lease.lost else None,
            lambda: "`searchctl stop` asked for it" if lease.stop_wanted else None,
            *budget_conditions(prepared.sweep.budget, meter, DiskMeter(prepared.runs, used_bytes)),
        ]
    )


def _replay(
    driver: Driver,
    prepared: Prepared,
    jobs: list[JobRow],
    attempts: list[AttemptRow],
    mirror: StudyMirror,
) -> None:
    """Replay the stored results; the decisions must be those that are stored."""
    stored = queries.decisions(prepared.engine, prepared.row)
    try:
        follows = driver.replay(jobs, attempts) == stored
    except BracketError:  # a result of a trial that these scores would have dropped
        follows = False
    if not follows:
        raise SearchctlError(
            f"the stored decisions of '{prepared.sweep.name}' do not follow from its stored "
            f"scores: the database was changed by hand (`searchctl verify {prepared.sweep.name}` "
            "says where); restore a backup"
        )
    mirror_all(mirror, prepared.sweep, jobs, attempts, stored)


def _close(
    prepared: Prepared,
    driver: Driver,
    writer: SweepWriter,
    mirror: StudyMirror,
    stop: StopConditions,
) -> None:
    """Store how the sweep ended, after all that came before it."""
    leave_at = time.monotonic() + LEAVE_AFTER_S
    driver.outbox.put(partial(_store_end, prepared, driver.course, writer, mirror, stop))
    if not driver.outbox.drain(lambda: stop() and time.monotonic() > leave_at):
        raise SearchctlError(
            "the database does not answer: what it could not be told is trained again by "
            f"`searchctl resume {prepared.row.name}`"
        )
    if stop.blocked:
        raise SweepBlocked(
            f"{stop.reason}\nno trial is to blame: fix it, then `searchctl resume "
            f"{prepared.row.name}` goes on"
        )
    if failure := driver.course.bracket.failure:
        raise SweepFailed(queries.find_sweep(prepared.engine, prepared.row.name).error or failure)


def _store_end(
    prepared: Prepared,
    course: Schedule,
    writer: SweepWriter,
    mirror: StudyMirror,
    stop: StopConditions,
) -> None:
    engine, row = prepared.engine, prepared.row
    jobs = queries.jobs(engine, row, kinds=ALL)
    if mirror.behind:
        attempts, decisions = queries.attempts(engine, row), queries.decisions(engine, row)
        mirror_all(mirror, prepared.sweep, jobs, attempts, decisions)
    if failure := course.bracket.failure:
        writer.set_state("FAIL", failure + _first_error(jobs))
    elif course.finished:
        _collect(prepared)
        if row.state != "COMPLETE":  # else it ended when it ended
            writer.set_state("COMPLETE")
    else:
        states = [_state(job) for job in jobs]
        rungs = rung_views(row.ladder, states, row.direction)
        left = missing(rungs, after_views(rungs, follow_up_settings(row.spec), states))
        writer.set_state("STOPPED", f"{stop.reason}; missing: {left}")


def _collect(prepared: Prepared, jobs: Iterable[JobKey] | None = None) -> None:
    """Remove what these jobs (or all) leave and nobody needs; a failure costs only disk space."""
    try:
        collect(prepared.engine, prepared.row, prepared.runs, jobs)
    except OSError as error:
        log.warning("files of the sweep are left behind (`searchctl gc` removes them): %s", error)


def _first_error(jobs: list[JobRow]) -> str:
    """Quote the line that matters of the first job's error on the rung that has failed."""
    for job in (job for job in jobs if job.rung == jobs[-1].rung):
        if lines := (job.error or "").strip().splitlines():
            line = lines[-1] if lines[0].startswith("Traceback") else lines[0]
            return f"\ntrial {job.trial}: {line}"
    return ""


def _done(jobs: list[JobRow]) -> dict[JobKey, JobState]:
    ended = (job for job in jobs if job.state not in ("WAITING", "RUNNING"))
    return {key_of(job): _state(job) for job in ended}


def _state(job: JobRow) -> JobState:
    return JobState(job.rung, job.state, job.score, kind=job.kind)
