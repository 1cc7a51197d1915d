"""Reads the rows that a sweep's verdicts rest on, all as of one moment, for verify.py."""

from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy import Engine

from orchestrator.halving import Decision
from orchestrator.storage import queries
from orchestrator.storage.rows import EpochRow, SweepRow
from orchestrator.sweep import Sweep
from orchestrator.verify import Key, Record, score_by_images


def read_record(engine: Engine, row: SweepRow) -> Record:
    """Read what is stored of a sweep; a driver may be writing meanwhile.

    A result, its rung's verdicts and the states of the trials are one transaction. So rows that are
    read between two equal lists of decisions are of one moment, as far as verdicts are concerned.
    """
    decisions = queries.decisions(engine, row)
    while True:
        record = _read(engine, row, decisions)
        again = queries.decisions(engine, row)
        if again == decisions:
            return record
        decisions = again


def _read(engine: Engine, row: SweepRow, decisions: Sequence[Decision]) -> Record:
    score = Sweep.from_json(row.spec).halving.score
    trials = queries.trials(engine, row)
    jobs = {(job.trial, job.rung): job for job in queries.jobs(engine, row)}
    epochs: defaultdict[Key, list[EpochRow]] = defaultdict(list)
    for trial in trials:
        for epoch in queries.epochs(engine, row, trial.number):
            epochs[trial.number, epoch.rung].append(epoch)
    return Record(
        state=row.state,
        direction=row.direction,
        score=score,
        planned=[rung["trials"] for rung in row.ladder],
        trials=trials,
        jobs=jobs,
        decisions=decisions,
        epochs=epochs,
        image_scores={
            key: score_by_images(queries.image_counts(engine, row, *key), score)
            for key, job in jobs.items()
            if job.state == "COMPLETE"
        },
    )
