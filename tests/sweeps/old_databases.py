"""Databases as older versions of searchctl left them, filled by plain SQL of that time."""

import json
import zlib

from sqlalchemy import text

from tests.sweeps.stored_sweeps import counts

WHEN = "2026-01-01 10:00:00.000000"


def add(connection, table, **row):
    names = ", ".join(row)
    values = ", ".join(f":{name}" for name in row)
    connection.execute(text(f"INSERT INTO searchctl_{table} ({names}) VALUES ({values})"), row)


JOBS = ("COMPLETE", "FAIL", "DIVERGED", "WAITING", "RUNNING")
ATTEMPTS = {  # of the job: the error of each attempt, and whether it ended
    1: [("the worker died", True), (None, True)],
    2: [("Traceback: no such class", True)],
    3: [("the loss was NaN", True)],
    4: [("stopped", True)],
    5: [(None, False), (None, False)],  # a driver that was killed twice
}
_ENDED = ["lost", "complete", "failed", "diverged", "stopped", "stopped"]
OUTCOMES = {
    "0001": [*_ENDED, "stopped"],
    **{f"{revision:04}": [*_ENDED, None] for revision in range(2, 14)},
}
"""States of the attempts, by revision: only newer schemas store that an attempt is open."""


def add_sweep(connection):
    add(
        connection,
        "sweeps",
        **{"id": 1, "name": "old", "state": "RUNNING", "desired_state": "RUNNING"},
        **{"source": "", "spec": '{"name": "old"}', "spec_hash": "abc", "direction": "maximize"},
        **{"ladder": '[{"rung": 0}]', "versions": '{"torch": "2"}', "classes": '["sky", "road"]'},
        **{"data_fingerprint": "f00", "created_at": WHEN},
    )
    for number in range(len(JOBS)):
        params = json.dumps({"lr": number})
        row = {"sweep_id": 1, "number": number, "params": params, "params_hash": f"h{number}"}
        add(connection, "trials", id=number + 1, state="WAITING", **row)
    add(connection, "events", sweep_id=1, at=WHEN, kind="running", detail="{}")


def add_results(connection):
    for number, state in enumerate(JOBS, 1):
        score = 0.4 if state == "COMPLETE" else None
        row = {"trial_id": number, "rung": 0, "fraction": "1/2", "images": 5, "score": score}
        add(connection, "jobs", id=number, state=state, **row)
    numbers = {"lr": 0.1, "images": 5, "seconds": 0.5}
    add(connection, "epochs", job_id=1, epoch=1, train_loss=0.9, **numbers)
    add(connection, "class_scores", job_id=1, split="val", class_id=0, iou=0.4, accuracy=0.6)
    packed = {name: zlib.compress(array.tobytes()) for name, array in vars(counts()).items()}
    add(connection, "image_scores", job_id=1, images=2, classes=2, **packed)
    decided = {"verdict": "promoted", "rank": 1, "cohort": 5, "kept": 2, "reason": "best"}
    add(connection, "decisions", trial_id=1, rung=0, decided_at=WHEN, score=0.4, **decided)


def fill_0001(connection):
    """A sweep with jobs in every state."""
    add_sweep(connection)
    add_results(connection)
    for job_id, tries in ATTEMPTS.items():
        for number, (error, ended) in enumerate(tries, 1):
            row = {"job_id": job_id, "number": number, "token": f"{job_id}-{number}"}
            row |= {"started_at": WHEN, "ended_at": WHEN if ended else None, "error": error}
            add(connection, "attempts", **row)


def fill_0002(connection):
    """The same with outcomes; the last attempt is open."""
    add_sweep(connection)
    add_results(connection)
    outcomes = iter(OUTCOMES["0002"])
    for job_id, tries in ATTEMPTS.items():
        for number, (error, _) in enumerate(tries, 1):
            outcome = next(outcomes)
            row = {"job_id": job_id, "number": number, "token": f"{job_id}-{number}"}
            row |= {"started_at": WHEN, "ended_at": WHEN if outcome else None, "error": error}
            add(connection, "attempts", outcome=outcome, **row)


FILLED = {
    "0001": fill_0001,
    **{f"{revision:04}": fill_0002 for revision in range(2, 14)},
}

STAND_IN_THE_WAY = {
    "0001": (
        "CREATE INDEX uq_searchctl_attempts_open ON searchctl_trials (id)",
        "DROP INDEX uq_searchctl_attempts_open",
        "already exists",
    ),
    "0002": (
        "ALTER TABLE searchctl_jobs ADD COLUMN initial_weights TEXT",
        "ALTER TABLE searchctl_jobs DROP COLUMN initial_weights",
        "duplicate column|already exists",
    ),
    "0003": (
        "ALTER TABLE searchctl_jobs ADD COLUMN features TEXT",
        "ALTER TABLE searchctl_jobs DROP COLUMN features",
        "duplicate column|already exists",
    ),
    "0004": (
        "ALTER TABLE searchctl_sweeps ADD COLUMN val_images JSON",
        "ALTER TABLE searchctl_sweeps DROP COLUMN val_images",
        "duplicate column|already exists",
    ),
    "0005": (
        "ALTER TABLE searchctl_jobs ADD COLUMN repeat TEXT",
        "ALTER TABLE searchctl_jobs DROP COLUMN repeat",
        "duplicate column|already exists",
    ),
    "0006": (
        "ALTER TABLE searchctl_epochs ADD COLUMN val_class_iou TEXT",
        "ALTER TABLE searchctl_epochs DROP COLUMN val_class_iou",
        "duplicate column|already exists",
    ),
    "0007": (
        "ALTER TABLE searchctl_sweeps ADD COLUMN waiting TEXT",
        "ALTER TABLE searchctl_sweeps DROP COLUMN waiting",
        "duplicate column|already exists",
    ),
    "0008": (
        "CREATE TABLE searchctl_submissions (id INTEGER)",
        "DROP TABLE searchctl_submissions",
        "already exists",
    ),
    "0009": (
        "ALTER TABLE searchctl_epochs ADD COLUMN scores TEXT",
        "ALTER TABLE searchctl_epochs DROP COLUMN scores",
        "duplicate column|already exists",
    ),
    "0010": (
        "ALTER TABLE searchctl_jobs ADD COLUMN reused_from TEXT",
        "ALTER TABLE searchctl_jobs DROP COLUMN reused_from",
        "duplicate column|already exists",
    ),
    "0011": (
        "CREATE TABLE searchctl_cohorts (id INTEGER)",
        "DROP TABLE searchctl_cohorts",
        "already exists",
    ),
    "0012": (
        "CREATE TABLE searchctl_measurements (id INTEGER)",
        "DROP TABLE searchctl_measurements",
        "already exists",
    ),
    "0013": (
        "ALTER TABLE searchctl_jobs ADD COLUMN batch TEXT",
        "ALTER TABLE searchctl_jobs DROP COLUMN batch",
        "duplicate column|already exists",
    ),
}
"""By revision: what fails a late step of the upgrade from it, its removal, and the refusal."""
