"""Results that need no training: a finished job of the same database computed the very same.

Rows and files are copied, so that removing the other sweep takes nothing away.
"""

import logging
from collections.abc import Iterator
from dataclasses import replace

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from upath import UPath

from searchctl.orchestrator.artifacts.directory import stored_directory
from searchctl.orchestrator.artifacts.retention import MASKS
from searchctl.orchestrator.driver.measured import Measured
from searchctl.orchestrator.executors.job import JobAttempt
from searchctl.orchestrator.storage.measurements import read_measurements
from searchctl.orchestrator.storage.reads import queries
from searchctl.orchestrator.storage.reads.costs import COSTS, as_trained
from searchctl.orchestrator.storage.reads.finished import (
    FinishedJob,
    counts_of,
    epochs_of,
    evaluations_of,
    finished_jobs,
)
from searchctl.orchestrator.storage.rows import JOB_STATES
from searchctl.searchspace import Params
from searchctl.trainer.core.atomic_files import read_file, write_atomically
from searchctl.trainer.core.results import JobResult

log = logging.getLogger(__name__)

_FILES = {"weights": "model.safetensors", "features": "features.png", "masks": MASKS}
"""Files in the directory of an attempt."""
_STATUS = {state: status for status, state in JOB_STATES.items()}
_COPIED = (
    *("score", "error", "kept_epoch", "latency_ms", "peak_memory_bytes", "device", "hardware"),
    *("threads", "trainable_parameters", "initial_weights", "sample_hash"),
)
"""Columns of a job that its copy has too."""


class Reuse:
    """Finds the results of finished jobs of one database."""

    def __init__(self, engine: Engine, hardware: str | None) -> None:
        """Reuse what ran on this hardware; None: on that of the sweep's first result."""
        self._engine = engine
        self._hardware = {hardware} if hardware else set()

    def ran_on(self, hardware: str) -> None:
        """Accept results from this hardware from now on: jobs of this sweep run there."""
        if hardware:
            self._hardware.add(hardware)

    def find(self, job: JobAttempt) -> JobResult | None:
        """Return a copy of a finished job's result, its files in the new job's directory."""
        if job.content_hash is None or not self._hardware:
            return None
        try:
            found = finished_jobs(self._engine, job.content_hash, self._hardware)
            return next(self._copies(found, job), None)
        except SQLAlchemyError as error:  # the job can be trained, or waits for the database
            log.warning("no finished job could be looked for: %s", error)
            return None

    def _copies(self, found: Iterator[FinishedJob], job: JobAttempt) -> Iterator[JobResult]:
        for source in found:
            latency = _limit_latency(self._engine, source, job)
            if latency is None and _needs_latency(source, job):
                continue  # a limit needs it, so the job is trained
            try:
                files = _copy_files(source, job)
                copy = _result(self._engine, source, files)
                yield replace(copy, limit_latency_ms=latency)
            except (OSError, ValueError) as error:
                log.info(
                    "trial %d of %s is not reused: %s", source.key.trial, source.sweep.name, error
                )


def _needs_latency(source: FinishedJob, job: JobAttempt) -> bool:
    known = job.latency_known_on
    scored = source.row["state"] == "COMPLETE"
    return scored and known is not None and source.row["hardware"] not in known


def _limit_latency(engine: Engine, source: FinishedJob, job: JobAttempt) -> float | None:
    """Return the latency that the other sweep measured of the same network, used as here."""
    used = job.inference.model_dump(mode="json")
    if not _needs_latency(source, job) or source.sweep.spec.get("inference") != used:
        return None
    (trial,) = queries.trials(engine, source.sweep, [source.key.trial])
    stored = read_measurements(engine, source.sweep)
    there = Measured({}, {source.key.trial: Params(trial.params)}, stored)
    return there.value("latency_ms", source.key.trial, source.row["hardware"])


def _copy_files(source: FinishedJob, job: JobAttempt) -> dict[str, UPath]:
    """Copy the files that the job would write; raise an OSError if one of them is gone."""
    if source.row["state"] != "COMPLETE":
        return {}
    attempt = stored_directory(source.sweep) / source.key.folder / source.token
    wanted = {"weights": job.keep_weights, "features": job.features, "masks": bool(job.masks)}
    copies = {what: job.out / _FILES[what] for what in wanted if wanted[what]}
    for copy in copies.values():
        write_atomically(copy, read_file(attempt / copy.name))
    return copies


def _result(engine: Engine, source: FinishedJob, files: dict[str, UPath]) -> JobResult:
    row = source.row
    epochs = (replace(epoch, images=0, seconds=0.0) for epoch in epochs_of(engine, source))
    trained = as_trained(row)  # the source may itself be a copy
    return JobResult(
        status=_STATUS[row["state"]],  # type: ignore[arg-type]  # those of results
        **{name: row[name] for name in _COPIED},
        data_fingerprint=row["data_fingerprint"] or "",
        epochs=tuple(epochs),
        evaluations=evaluations_of(engine, source),
        image_counts=counts_of(engine, source),
        weights=files.get("weights"),
        features=files.get("features"),
        reused_from={
            "sweep": source.sweep.name,
            "trial": source.key.trial,
            "rung": source.key.rung,
            **{name: trained[name] for name in COSTS},
        },
    )
