"""Stores a finished sweep of any size without training; the views are measured on it.

Its numbers are invented, but its rows are the ones that a driver writes. Random search, eta 2, two
finalists; one trial in 50 diverges in its first rung.
"""

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from itertools import islice, product, zip_longest

from sqlalchemy import Connection, Engine, Table, bindparam, func, insert, select, update

from searchctl.orchestrator.config.sweep import Sweep
from searchctl.orchestrator.halving.cut import cut
from searchctl.orchestrator.halving.ladder_rows import ladder_rows
from searchctl.orchestrator.halving.rule import Decision, Ladder, Outcome, plan_ladder
from searchctl.orchestrator.storage import schema
from searchctl.orchestrator.storage.reads import queries
from searchctl.orchestrator.storage.rows import SweepRow
from searchctl.orchestrator.storage.writes.cohorts import NewCohort
from searchctl.orchestrator.storage.writes.new_sweeps import NewSweep, create_sweep
from searchctl.orchestrator.storage.writes.writer import TRIAL_STATES

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
IMAGES = 8192
CLASSES = ["sky", "road", "car", "tree"]
EPOCHS = 5


def store_large_sweep(engine: Engine, trials: int, name: str = "large") -> SweepRow:
    """Store a finished sweep, with all its rows except the image scores; return its row."""
    sweep = large_sweep(trials, name)
    ladder = plan_ladder(trials, IMAGES)
    create_sweep(engine, _new_sweep(sweep, ladder))
    row = queries.find_sweep(engine, name)
    jobs, decisions = _climb(ladder)
    with engine.begin() as connection:
        first = _next_id(connection, schema.jobs)
        ids = {key: first + place for place, key in enumerate(jobs)}
        trial_ids = _trial_ids(connection, row)
        tables = (
            (schema.jobs, _job_rows(jobs, ids, trial_ids, ladder)),
            (schema.attempts, _attempt_rows(ids)),
            (schema.epochs, _epoch_rows(jobs, ids, ladder)),
            (schema.class_scores, _class_rows(jobs, ids)),
            (schema.decisions, _decision_rows(decisions, trial_ids)),
        )
        for table, rows in tables:
            while some := list(islice(rows, 5000)):
                connection.execute(insert(table), some)
        _end_trials(connection, decisions, trial_ids)
        ended = {"state": "COMPLETE", "ended_at": BEGAN + timedelta(hours=9)}
        connection.execute(schema.sweeps.update().where(schema.sweeps.c.id == row.id), ended)
    return queries.find_sweep(engine, name)


def large_sweep(trials: int, name: str) -> Sweep:
    """Return the sweep as a user would write it."""
    return Sweep.model_validate(
        {
            "name": name,
            "data": {"dataset": "scenes", "train": IMAGES},
            "training": {"epochs": EPOCHS, "batch_size": 2},
            "space": {
                "lr": {"low": 1e-5, "high": 1e-1, "log": True},
                "weight_decay": {"low": 0.0, "high": 0.1},
                "loss": ["cross_entropy", "dice"],
            },
            "search": {"method": "random", "trials": trials},
        }
    )


def _new_sweep(sweep: Sweep, ladder: Ladder) -> NewSweep:
    rungs = ladder_rows(ladder)
    first = NewCohort(0, ladder.trials, "random", {}, sweep.seed, None, rungs, 2, [])
    return NewSweep(
        name=sweep.name,
        source="",
        spec=sweep.to_json(),
        spec_hash=sweep.spec_hash,
        direction="maximize",
        ladder=rungs,
        versions={"torch": "2"},
        classes=CLASSES,
        data_fingerprint="f00",
        points=sweep.first_points(),
        cohorts=[first],
    )


def _climb(ladder: Ladder) -> tuple[dict[tuple[int, int], Outcome], list[Decision]]:
    """Return each job's outcome by (trial, rung), and all decisions."""
    outcomes: dict[tuple[int, int], Outcome] = {}
    decisions: list[Decision] = []
    here = list(range(ladder.trials))
    for rung, above in zip_longest(ladder.rungs, ladder.rungs[1:]):
        found = [Outcome(trial, rung.number, _score(trial, rung.number)) for trial in here]
        decided = cut(found, above and above.trials, "maximize")
        outcomes |= {(outcome.trial, outcome.rung): outcome for outcome in found}
        decisions += decided
        here = sorted(d.trial for d in decided if d.verdict == "promoted")
    return outcomes, decisions


def _score(trial: int, rung: int) -> float | None:
    """Return a score; the order of trials changes only slightly from rung to rung."""
    if trial % 50 == 49:
        return None
    return 0.2 + trial * 7919 % 10_007 / 25_000 + rung / 50 + (trial + rung) % 3 / 1000


def _trial_ids(connection: Connection, row: SweepRow) -> dict[int, int]:
    table = schema.trials
    query = select(table.c.number, table.c.id).where(table.c.sweep_id == row.id)
    return {number: trial_id for number, trial_id in connection.execute(query)}


def _end_trials(connection: Connection, decisions, trial_ids) -> None:
    change = update(schema.trials).where(schema.trials.c.id == bindparam("which"))
    last = {d.trial: TRIAL_STATES[d.verdict] for d in decisions}
    rows = [{"which": trial_ids[trial], "state": state} for trial, state in last.items()]
    connection.execute(change.values(state=bindparam("state")), rows)


def _next_id(connection: Connection, table: Table) -> int:
    return int(connection.execute(select(func.coalesce(func.max(table.c.id), 0))).scalar_one()) + 1


def _job_rows(jobs, ids, trial_ids, ladder):
    for (trial, rung), outcome in jobs.items():
        scored, images = outcome.score is not None, ladder.rungs[rung].images
        yield {
            "id": ids[trial, rung],
            "trial_id": trial_ids[trial],
            "rung": rung,
            "fraction": str(ladder.rungs[rung].fraction),
            "images": images,
            "state": "COMPLETE" if scored else "DIVERGED",
            "score": outcome.score,
            "kept_epoch": EPOCHS if scored else None,
            "seconds": images / 10,
            "gpu_seconds": images / 10,
            "images_seen": images * EPOCHS,
            "peak_memory_bytes": 10**9,
            "device": "cpu",
            "threads": 1,
            "trainable_parameters": 123_456,
            "latency_ms": 2 + trial % 7 / 4 if scored else None,
            "initial_weights": "fresh weights",
            "evaluations": {"val": _evaluation(outcome)} if scored else {},
        }


def _evaluation(outcome):
    others = {"loss": 0.5, "mean_accuracy": 0.6, "overall_accuracy": 0.7}
    return {"miou": outcome.score, **others}


def _attempt_rows(ids):
    for job_id in ids.values():
        began = BEGAN + timedelta(seconds=job_id)
        yield {
            "job_id": job_id,
            "number": 1,
            "token": f"{job_id:016x}",
            "started_at": began,
            "ended_at": began + timedelta(seconds=30),
            "worker": "node-1:4711",
            "outcome": "complete",
            "first_epoch": 1,
            "gpus": 1.0,
        }


def _epoch_rows(jobs, ids, ladder):
    for key, outcome in jobs.items():
        images = ladder.rungs[key[1]].images
        for epoch in range(1, EPOCHS + 1):
            yield {
                "job_id": ids[key],
                "epoch": epoch,
                "train_loss": 1.0 / epoch,
                "val_loss": 1.2 / epoch,
                "val_miou": outcome.score,
                "lr": 0.1,
                "images": images,
                "seconds": images / 50,
                "val_class_iou": _class_iou(outcome, epoch),
            }


def _class_iou(outcome, epoch):
    if outcome.score is None:
        return None
    return tuple(outcome.score * epoch / EPOCHS * (0.4 + 0.2 * place) for place in range(4))


def _class_rows(jobs, ids):
    for key, outcome in jobs.items():
        for class_id, split in product(range(len(CLASSES)), ("val", "train")):
            row = {"job_id": ids[key], "split": split, "class_id": class_id}
            yield {**row, "iou": outcome.score, "accuracy": outcome.score}


def _decision_rows(decisions, trial_ids):
    for number, decision in enumerate(decisions):
        row = asdict(decision)
        trial_id = trial_ids[row.pop("trial")]
        yield {**row, "trial_id": trial_id, "decided_at": BEGAN + timedelta(seconds=number)}
