"""All writes of a driver, each in one transaction: a kill leaves either all of it or nothing."""

import json
import math
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from sqlalchemy import Connection, Engine, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from orchestrator.errors import SweepExists
from orchestrator.halving import Decision
from orchestrator.storage import schema
from orchestrator.storage.rows import JOB_STATES, SweepState, TrialState
from searchspace import Params
from trainer.results import EpochRecord, ImageCounts, JobResult

TRIAL_STATES: dict[str, TrialState] = {
    "promoted": "WAITING",
    "pruned": "PRUNED",
    "complete": "COMPLETE",
    "diverged": "FAIL",
    "failed": "FAIL",
}
"""What a trial becomes by a verdict; Optuna's names."""

_JOB_COLUMNS = (
    "score",
    "kept_epoch",
    "seconds",
    "gpu_seconds",
    "images_seen",
    "peak_memory_bytes",
    "device",
    "threads",
    "trainable_parameters",
    "sample_hash",
    "data_fingerprint",
    "error",
)


@dataclass(frozen=True)
class NewSweep:
    """What is stored of a sweep when it is launched."""

    name: str
    source: str
    spec: Mapping[str, Any]
    spec_hash: str
    direction: Literal["maximize", "minimize"]
    ladder: Sequence[Mapping[str, Any]]
    versions: Mapping[str, str]
    classes: Sequence[str]
    data_fingerprint: str
    params: Sequence[Params]


def create_sweep(engine: Engine, new: NewSweep) -> int:
    """Store a sweep and all its trials; return the sweep's id.

    Raises:
        SweepExists: there is one of that name.
    """
    row = {key: value for key, value in vars(new).items() if key != "params"}
    states = {"state": "RUNNING", "desired_state": "RUNNING", "created_at": _now()}
    try:
        with engine.begin() as connection:
            inserted = connection.execute(insert(schema.sweeps).values(**row, **states))
            (sweep_id,) = inserted.inserted_primary_key or (None,)
            connection.execute(
                insert(schema.trials),
                [
                    {
                        "sweep_id": sweep_id,
                        "number": number,
                        "params": json.loads(params.to_json()),
                        "params_hash": params.fingerprint,
                        "state": "WAITING",
                    }
                    for number, params in enumerate(new.params)
                ],
            )
    except IntegrityError as error:
        raise SweepExists(
            f"there is a sweep '{new.name}' in this database: go on with `searchctl resume "
            f"{new.name}`, or give the new one another name"
        ) from error
    return int(sweep_id or 0)


class SweepWriter:
    """The driver's hand on one stored sweep. Reads are in queries.py."""

    def __init__(self, engine: Engine, sweep_id: int) -> None:
        self._engine = engine
        self._sweep_id = sweep_id
        query = select(schema.trials.c.number, schema.trials.c.id)
        with engine.connect() as connection:
            rows = connection.execute(query.where(schema.trials.c.sweep_id == sweep_id))
            self._trial_ids = {number: trial_id for number, trial_id in rows}

    def start_attempt(
        self, trial: int, rung: int, *, token: str, fraction: str, images: int
    ) -> int:
        """Note that a job is being tried; return the attempt's number, counted from 1."""
        with self._engine.begin() as connection:
            job_id = self._job_id(connection, trial, rung)
            if job_id is None:
                row = {"trial_id": self._trial_ids[trial], "rung": rung, "state": "RUNNING"}
                inserted = connection.execute(
                    insert(schema.jobs).values(**row, fraction=fraction, images=images)
                )
                (job_id,) = inserted.inserted_primary_key or (None,)
            self._set_job(connection, job_id, state="RUNNING")
            self._set_trial(connection, trial, "RUNNING")
            attempts = schema.attempts
            earlier = select(func.count()).where(attempts.c.job_id == job_id)
            number = connection.execute(earlier).scalar_one() + 1
            connection.execute(
                insert(attempts).values(
                    job_id=job_id, number=number, token=token, started_at=_now()
                )
            )
            return int(number)

    def save_epoch(self, trial: int, rung: int, record: EpochRecord) -> None:
        """Store one epoch of a running job, in place of what an earlier attempt stored."""
        with self._engine.begin() as connection:
            job_id = self._job_id(connection, trial, rung)
            epochs = schema.epochs
            same = (epochs.c.job_id == job_id) & (epochs.c.epoch == record.epoch)
            connection.execute(delete(epochs).where(same))
            connection.execute(insert(epochs).values(job_id=job_id, **_finite(asdict(record))))

    def lose_attempt(self, trial: int, rung: int, *, token: str, error: str) -> None:
        """Close an attempt that came to nothing; its job waits to be tried again."""
        with self._engine.begin() as connection:
            self._end_attempt(connection, token, error)
            self._set_job(connection, self._job_id(connection, trial, rung), state="WAITING")
            self._set_trial(connection, trial, "WAITING")

    def save_result(
        self, trial: int, rung: int, token: str, result: JobResult, decisions: Sequence[Decision]
    ) -> None:
        """Store a job's result, and the verdicts on the whole rung if it was the last one."""
        with self._engine.begin() as connection:
            job_id = self._job_id(connection, trial, rung)
            self._set_job(connection, job_id, **_job_values(result))
            self._end_attempt(connection, token, result.error)
            self._replace_details(connection, job_id, result)
            for decision in decisions:
                self._save_decision(connection, decision)

    def set_state(self, state: SweepState, error: str | None = None) -> None:
        """Set the sweep's state; any but RUNNING ends it, for now."""
        ended = None if state == "RUNNING" else _now()
        sweeps = schema.sweeps
        with self._engine.begin() as connection:
            connection.execute(
                update(sweeps)
                .where(sweeps.c.id == self._sweep_id)
                .values(state=state, error=error, ended_at=ended)
            )
            self._event(connection, state.lower(), {"error": error} if error else {})

    def note(self, kind: str, **detail: Any) -> None:
        """Append an event."""
        with self._engine.begin() as connection:
            self._event(connection, kind, detail)

    def _event(self, connection: Connection, kind: str, detail: Mapping[str, Any]) -> None:
        row = {"sweep_id": self._sweep_id, "at": _now(), "kind": kind, "detail": detail}
        connection.execute(insert(schema.events).values(**row))

    def _job_id(self, connection: Connection, trial: int, rung: int) -> int | None:
        jobs = schema.jobs
        same = (jobs.c.trial_id == self._trial_ids[trial]) & (jobs.c.rung == rung)
        return connection.execute(select(jobs.c.id).where(same)).scalar()

    def _set_job(self, connection: Connection, job_id: int | None, **values: Any) -> None:
        connection.execute(update(schema.jobs).where(schema.jobs.c.id == job_id).values(**values))

    def _set_trial(self, connection: Connection, trial: int, state: TrialState) -> None:
        which = schema.trials.c.id == self._trial_ids[trial]
        connection.execute(update(schema.trials).where(which).values(state=state))

    def _end_attempt(self, connection: Connection, token: str, error: str | None) -> None:
        which = schema.attempts.c.token == token
        values = {"ended_at": _now(), "error": error}
        connection.execute(update(schema.attempts).where(which).values(values))

    def _replace_details(
        self, connection: Connection, job_id: int | None, result: JobResult
    ) -> None:
        for table in (schema.epochs, schema.class_scores, schema.image_scores):
            connection.execute(delete(table).where(table.c.job_id == job_id))
        for table, rows in (
            (schema.epochs, [_finite(asdict(record)) for record in result.epochs]),
            (schema.class_scores, _class_rows(result)),
            (schema.image_scores, [_image_row(result.image_counts)]),
        ):
            if any(rows):
                connection.execute(insert(table), [{"job_id": job_id, **row} for row in rows])

    def _save_decision(self, connection: Connection, decision: Decision) -> None:
        row = asdict(decision)
        row["trial_id"] = self._trial_ids[row.pop("trial")]
        connection.execute(insert(schema.decisions).values(**row, decided_at=_now()))
        self._set_trial(connection, decision.trial, TRIAL_STATES[decision.verdict])


def _now() -> datetime:
    return datetime.now(UTC)


def _finite(row: dict[str, Any]) -> dict[str, Any]:
    """Store NaN and infinity as NULL: databases and JSON do not agree on them."""
    return {
        key: None if isinstance(value, float) and not math.isfinite(value) else value
        for key, value in row.items()
    }


def _job_values(result: JobResult) -> dict[str, Any]:
    summaries = {
        split: _finite({k: v for k, v in asdict(evaluation).items() if not k.startswith("class_")})
        for split, evaluation in result.evaluations.items()
    }
    return {
        **{name: getattr(result, name) for name in _JOB_COLUMNS},
        "state": JOB_STATES[result.status],
        "weights": str(result.weights) if result.weights else None,
        "evaluations": summaries,
    }


def _class_rows(result: JobResult) -> list[dict[str, Any]]:
    return [
        {"split": split, "class_id": class_id, "iou": iou, "accuracy": accuracy}
        for split, evaluation in result.evaluations.items()
        for class_id, (iou, accuracy) in enumerate(
            zip(evaluation.class_iou, evaluation.class_accuracy, strict=True)
        )
    ]


def _image_row(scores: ImageCounts | None) -> dict[str, Any]:
    if scores is None:
        return {}
    images, classes, _ = scores.counts.shape
    return {
        "images": images,
        "classes": classes,
        "counts": zlib.compress(scores.counts.astype("<u4").tobytes()),
        "loss_sums": zlib.compress(scores.loss_sums.astype("<f8").tobytes()),
        "pixels": zlib.compress(scores.pixels.astype("<i8").tobytes()),
    }
