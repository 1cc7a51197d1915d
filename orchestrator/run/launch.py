"""Runs a prepared sweep from its start, or from what is stored, to its end."""

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, closing, nullcontext

from searchctl.orchestrator.callbacks.all import Callbacks, hooks_of, loggers_of
from searchctl.orchestrator.core.cluster_address import driver_address
from searchctl.orchestrator.driver.budget import Condition, GpuMeter
from searchctl.orchestrator.driver.lease import Lease
from searchctl.orchestrator.executors.base import Executor
from searchctl.orchestrator.facts.cohorts import all_rungs
from searchctl.orchestrator.facts.running.final_scoring import final_scoring_of
from searchctl.orchestrator.facts.running.progress import Progress
from searchctl.orchestrator.facts.running.work import work_of
from searchctl.orchestrator.facts.sweeps import JobState
from searchctl.orchestrator.halving.follow_up import follow_up_settings
from searchctl.orchestrator.halving.job_key import ALL, JobKey, key_of
from searchctl.orchestrator.run.assembly import Parts, assemble, stop_conditions
from searchctl.orchestrator.run.cohorts import StoredTrials
from searchctl.orchestrator.run.ending import close, report_end, state_of
from searchctl.orchestrator.run.preparation.cannot_start import storing_cannot_start
from searchctl.orchestrator.run.preparation.prepare import Prepared
from searchctl.orchestrator.run.takeover import open_mirror, replay, take_over
from searchctl.orchestrator.storage.reads import queries
from searchctl.orchestrator.storage.rows import JobRow, SweepRow
from searchctl.orchestrator.storage.sqlite.file import rescued
from searchctl.orchestrator.storage.writes.writer import SweepWriter
from searchctl.trainer.own_code.imports import forgotten_afterwards

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
        executor: runs its jobs; Ray, if None.
        display: shows the progress.
        stopping: called often; returns the reason to stop, for people, or None.
        say: called with what there is to wait for before the first job.
        clock: seconds of what jobs hold and wait for; a simulation's own, where nothing is trained.

    Raises:
        SweepBusy: another driver runs it.
        CannotStart: Ray does not start or cannot be joined, or has no room for one trial.
        SweepFailed: no trial of a rung has a finite score.
        SweepBlocked: files, or the data set, cannot be used, which is no trial's fault.
        LeaseLost: another driver has taken the sweep over.
        DatabaseFull: nothing more can be stored.
        DatabaseGone: the database's file was deleted; all that it held is in a copy.
    """
    row, engine = prepared.row, prepared.engine
    with (
        forgotten_afterwards(),
        rescued(engine, row.name),
        storing_cannot_start(engine, row),
        Lease(engine, row.id, say=say) as lease,
        nullcontext(executor) if executor else _starting_ray(prepared) as executor,
    ):
        writer = SweepWriter(engine, row.id, lease.token, lease.ttl_s)
        take_over(prepared, writer, lease)
        mirror = open_mirror(prepared)
        jobs, attempts = queries.jobs(engine, row, kinds=ALL), queries.attempts(engine, row)
        stored = StoredTrials.read(engine, row)
        meter = GpuMeter(attempts, clock)
        stop = stop_conditions(prepared, lease, stopping, meter)
        with (
            prepared.locations.kept() if prepared.locations else nullcontext(),
            closing(mirror),
            hooks_of(prepared.sweep, row, stored.params, writer.note, say) as hooks,
            loggers_of(prepared.sweep, row.classes) as loggers,
            _shown(display, prepared, jobs, stored) as shown,
        ):
            callbacks = Callbacks(shown, [hooks, *loggers])
            parts = assemble(prepared, writer, mirror, callbacks, stop, meter, stored, clock)
            replay(parts, jobs, attempts)
            if not parts.schedule.finished:
                _drive(parts, executor)
            close(parts)
            report_end(prepared, callbacks, hooks)
    return queries.find_sweep(engine, row.name)


def _drive(parts: Parts, executor: Executor) -> None:
    parts.outbox.put(lambda: parts.writer.set_state("RUNNING"))
    executor.run(parts.driver, parts.stop)
    parts.driver.abandon_next()


def _starting_ray(prepared: Prepared) -> AbstractContextManager[Executor]:
    """Return what starts Ray in a thread, while this one prepares the driver.

    A sweep that has ended needs none.
    """
    from searchctl.orchestrator.executors.ray.tune import RayTuneExecutor

    resources = prepared.sweep.resources
    executor = RayTuneExecutor(
        cpus=resources.cpus_per_trial,
        gpus=resources.gpus_per_trial,
        others=resources.others,
        max_parallel=resources.max_parallel,
        address=driver_address(resources.address),
        locations=prepared.locations,
    )
    ended = prepared.row.state == "COMPLETE"
    return nullcontext(executor) if ended else executor.connecting()


def _shown(
    display: Display, prepared: Prepared, jobs: Sequence[JobRow], stored: StoredTrials
) -> Progress:
    row, plan = prepared.row, prepared.plan
    return display(
        all_rungs(stored.cohorts),
        row.direction,
        plan.epochs,
        _done(jobs),
        asked=follow_up_settings(row.spec),
        work=work_of(plan),
        scoring=final_scoring_of(prepared.engine, row),
    )


def _done(jobs: Sequence[JobRow]) -> dict[JobKey, JobState]:
    ended = (job for job in jobs if job.state not in ("WAITING", "RUNNING"))
    return {key_of(job): state_of(job) for job in ended}
