"""Everything that a sweep left, by what it is about instead of by ids; and how two sweeps differ.

Columns and tables that are added later are compared too.
"""

import hashlib
import re
from collections.abc import Mapping
from typing import Any

import optuna
from sqlalchemy import Connection, Row, create_engine, select
from upath import UPath

from searchctl.orchestrator.storage import schema

Key = tuple[Any, ...]
Contents = dict[str, dict[Key, dict[str, Any]]]
"""Table -> what a row is about -> column -> value."""

_JOB = ("trial", "rung", "kind", "repeat")

ABOUT: Mapping[str, tuple[str, ...]] = {
    "sweeps": ("name",),
    "cohorts": ("number",),
    "trials": ("number",),
    "jobs": _JOB,
    "epochs": (*_JOB, "epoch"),
    "class_scores": (*_JOB, "split", "class_id"),
    "image_scores": _JOB,
    "decisions": ("trial", "rung"),
    "measurements": ("quantity", "subject", "hardware"),
}
"""Keys of the rows of each table, with trials by their numbers."""

OF_THE_RUN = {"attempts", "events", "submissions"}
"""The story of the run, not its result: checks.py looks at it."""

_OF_ITS_OWN = {
    "sweeps": {"source", "created_at", "ended_at", "lease_token", "lease_owner", "lease_expires"},
    "cohorts": {"requested_at", "drawn_at"},
    "jobs": {"seconds", "gpu_seconds", "peak_memory_bytes", "latency_ms"},
    "epochs": {"seconds"},
    "decisions": {"decided_at"},
    "measurements": {"value", "trial", "rung"},
}
"""Columns that differ between any two runs: times, places, memory."""


def contents(url: str, name: str) -> Contents:
    """Read all tables of a database that holds this one sweep, and its Optuna study."""
    tables = {
        table.name.removeprefix("searchctl_"): table for table in schema.metadata.tables.values()
    }
    if unknown := set(tables) - set(ABOUT) - OF_THE_RUN:
        raise AssertionError(f"say in ABOUT what the rows of {unknown} are about")
    engine = create_engine(url)
    with engine.connect() as connection:
        names = _Names(connection)
        found: Contents = {
            table: dict(names.row(table, row) for row in connection.execute(select(tables[table])))
            for table in ABOUT
        }
    engine.dispose()
    return {**found, "study": _study(url, name)}


def differences(expected: Contents, found: Contents) -> list[str]:
    """Say what is not the same, a line for each value."""
    lines = []
    for table, rows in expected.items():
        others = found[table]
        for key in sorted(rows.keys() | others.keys(), key=str):
            old, new = rows.get(key, {}), others.get(key, {})
            if (key in rows) != (key in others):
                lines.append(f"{table} {key}: {'gone' if key in rows else 'new'}")
            for column in sorted(old.keys() | new.keys()):
                before, after = old.get(column, "absent"), new.get(column, "absent")
                if before != after:
                    lines.append(f"{table} {key} {column}: {before} -> {after}")
    return lines


class _Names:
    """Puts trial numbers and rungs in place of ids."""

    def __init__(self, connection: Connection) -> None:
        trials, jobs = schema.trials, schema.jobs
        self._trials = dict(connection.execute(select(trials.c.id, trials.c.number)).all())
        columns = (jobs.c.id, jobs.c.trial_id, jobs.c.rung, jobs.c.kind, jobs.c.repeat)
        self._jobs = {
            job: (self._trials[trial], *others)
            for job, trial, *others in connection.execute(select(*columns))
        }

    def row(self, table: str, row: Row[Any]) -> tuple[Key, dict[str, Any]]:
        values = dict(row._mapping)
        if "trial_id" in values:
            values["trial"] = self._trials[values.pop("trial_id")]
        if "job_id" in values:
            values |= zip(_JOB, self._jobs[values.pop("job_id")], strict=True)
        key = tuple(values.pop(name) for name in ABOUT[table])
        for name in {"id", "sweep_id"} | _OF_ITS_OWN.get(table, set()):
            values.pop(name, None)
        return key, {name: _comparable(name, value) for name, value in values.items()}


def _comparable(column: str, value: Any) -> Any:
    if column == "weights" and value is not None:
        path = UPath(value)
        return _sha256(path.read_bytes()) if path.exists() else "removed, as nothing needs it"
    if column == "initial_weights":  # the path has an attempt's token, and the SHA-256 follows it
        return re.sub(r"/\S+", "", value)
    if column == "spec":  # where it runs and what it leaves where may differ
        parts = {key: part for key, part in value.items() if key not in ("resources", "storage")}
        return {**parts, "data": {**value["data"], "cache_dir": None}}
    return _sha256(value) if isinstance(value, bytes) else value


def _sha256(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def _study(url: str, name: str) -> dict[Key, dict[str, Any]]:
    """Return the mirror: what the dashboard shows of each trial, without its times."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    storage = optuna.storages.RDBStorage(url)
    trials = optuna.load_study(study_name=name, storage=storage).get_trials()
    storage.engine.dispose()
    rows: dict[Key, dict[str, Any]] = {}
    for trial in trials:
        attributes = {key: value for key, value in trial.user_attrs.items() if key != "seconds"}
        audit = attributes.pop("audit_of", f"a stranger, {trial.number}")
        key = (attributes.pop("trial", f"audit of {audit}"),)
        assert key not in rows, f"the study shows trial {key[0]} twice"
        rows[key] = {
            "state": trial.state.name,
            "params": trial.params,
            "values": trial.values,
            "intermediate": trial.intermediate_values,
            **attributes,
        }
    return rows
