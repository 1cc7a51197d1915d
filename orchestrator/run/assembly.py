"""Builds a sweep's driver: the only place where its parts meet."""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

from searchctl.orchestrator.artifacts.garbage import collect, used_bytes
from searchctl.orchestrator.artifacts.initial_files import settle_initial_files
from searchctl.orchestrator.callbacks.base import Callback
from searchctl.orchestrator.config.fingerprint import versions
from searchctl.orchestrator.core.errors import SearchctlError, SweepBlocked
from searchctl.orchestrator.driver.attempts import Attempts
from searchctl.orchestrator.driver.budget import (
    Condition,
    DiskMeter,
    GpuMeter,
    StopConditions,
    Target,
    budget_conditions,
)
from searchctl.orchestrator.driver.cleanup import Cleanup
from searchctl.orchestrator.driver.content import content_hash
from searchctl.orchestrator.driver.driver import Driver
from searchctl.orchestrator.driver.job_builder import ContentHash, JobBuilder
from searchctl.orchestrator.driver.lease import Lease
from searchctl.orchestrator.driver.measured import Measured
from searchctl.orchestrator.driver.outbox import Outbox
from searchctl.orchestrator.driver.recorder import Recorder
from searchctl.orchestrator.driver.reuse import Reuse
from searchctl.orchestrator.facts.rung_warnings import other_hardware, warnings_at
from searchctl.orchestrator.halving.follow_up import follow_up_settings
from searchctl.orchestrator.halving.limits import limits_of
from searchctl.orchestrator.halving.schedule import Schedule
from searchctl.orchestrator.run.cohorts import CohortDrawer, StoredTrials, stored_cohorts
from searchctl.orchestrator.run.preparation.decoding import decode_for
from searchctl.orchestrator.run.preparation.prepare import Prepared
from searchctl.orchestrator.search.study import StudyMirror
from searchctl.orchestrator.storage.measurements import read_measurements
from searchctl.orchestrator.storage.writes.writer import SweepWriter
from searchctl.searchspace import Params
from searchctl.trainer.core.errors import DataError, SettingsError
from searchctl.trainer.data.cache.store import ignore_progress

log = logging.getLogger("searchctl")


@dataclass(frozen=True)
class Parts:
    """A driver, with those of its parts that a sweep's start and end deal with."""

    prepared: Prepared
    writer: SweepWriter
    mirror: StudyMirror
    stop: StopConditions
    schedule: Schedule
    outbox: Outbox
    cleanup: Cleanup
    trials: Mapping[int, Params]
    """Params of all trials by number."""
    driver: Driver = field(repr=False)


def assemble(
    prepared: Prepared,
    writer: SweepWriter,
    mirror: StudyMirror,
    callback: Callback,
    stop: StopConditions,
    meter: GpuMeter,
    stored: StoredTrials,
    clock: Callable[[], float] = time.monotonic,
) -> Parts:
    """Return the driver of a prepared sweep, before its first job."""
    row, sweep, trials = prepared.row, prepared.sweep, stored.params
    cohorts = stored_cohorts(row, stored)
    schedule = Schedule(cohorts, follow_up_settings(row.spec))
    measured = Measured(limits_of(row.spec), trials, read_measurements(prepared.engine, row))
    builder = JobBuilder(
        sweep,
        trials,
        prepared.runs,
        prepared.initial,
        measured.latency_known_on,
        prepared.code,
        _hash_content(prepared),
    )
    ready = partial(_make_ready, prepared, builder, writer)
    outbox = Outbox(callback.database_down, callback.database_up, url=prepared.engine.url)
    cleanup = Cleanup(partial(collect, prepared.engine, row, prepared.runs), clock)
    driver = Driver(
        Attempts(schedule, sweep.resources.max_attempts, sweep.resources.on_oom),
        builder,
        Recorder(writer, mirror, outbox, cleanup, partial(warnings_at, prepared.engine, row)),
        callback,
        meter=meter,
        stop=stop,
        draw=CohortDrawer(prepared.engine, row, sweep, writer, trials, ready).draw,
        reuse=_reuse(prepared, _own_hardware(prepared)),
        measured=measured,
        clock=clock,
    )
    return Parts(prepared, writer, mirror, stop, schedule, outbox, cleanup, trials, driver)


def _make_ready(
    prepared: Prepared, builder: JobBuilder, writer: SweepWriter, new: Mapping[int, Params]
) -> None:
    """Prepare the data and the initial weights of trials that are about to be stored.

    Raises:
        SweepBlocked: they cannot be prepared.
    """
    sweep = prepared.sweep
    if sweep.script is not None:
        return
    settings = [sweep.recipe.with_params(params) for params in new.values()]
    try:
        decode_for(sweep.data, settings, ignore_progress, seed=sweep.seed)
        initial = settle_initial_files(
            sweep, prepared.engine, prepared.runs, prepared.row, trials=new.values()
        )
    except (SearchctlError, DataError, SettingsError) as error:
        raise SweepBlocked(f"a new cohort cannot be trained: {error}") from error
    builder.add_initial(initial)
    writer.add_initial_files(initial.to_json())


def _hash_content(prepared: Prepared) -> ContentHash | None:
    """Return how the jobs' contents are hashed; None if the row is of before a change."""
    if prepared.changes:
        return None
    data = prepared.row.data_fingerprint
    return partial(content_hash, data_fingerprint=data, versions=versions())


def _reuse(prepared: Prepared, hardware: str | None) -> Reuse | None:
    """Return where finished jobs are looked for: on this machine's hardware, if jobs run here."""
    return Reuse(prepared.engine, hardware) if prepared.sweep.storage.reuse else None


def _own_hardware(prepared: Prepared) -> str | None:
    """Return the hardware of this machine, and warn if earlier jobs ran on other hardware.

    None if the jobs run on a cluster, whose hardware is known after the first result.
    """
    if prepared.sweep.resources.address is not None:
        return None
    from searchctl.trainer.core.machine.hardware import hardware_of  # imports torch
    from searchctl.trainer.run.torch_state import choose_device

    gpus = prepared.sweep.resources.gpus_per_trial
    here = hardware_of(choose_device(None if gpus else "cpu"))
    if warning := other_hardware(prepared.engine, prepared.row, here):
        log.warning("%s", warning)
    return here


def stop_conditions(
    prepared: Prepared, lease: Lease, stopping: Condition, meter: GpuMeter
) -> StopConditions:
    """Return what ends a sweep early: `stopping`, its lease, or its budget."""
    target = prepared.sweep.budget.target
    return StopConditions(
        [
            stopping,
            lambda: "another driver has taken the sweep over" if lease.lost else None,
            lambda: "the database is gone" if lease.database_gone else None,
            lambda: "`searchctl stop` requested it" if lease.stop_requested else None,
            *budget_conditions(prepared.sweep.budget, meter, DiskMeter(prepared.runs, used_bytes)),
        ],
        None if target is None else Target(target, prepared.row.direction),
    )
