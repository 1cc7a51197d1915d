"""A whole record of a small sweep, and that record with something changed."""

from dataclasses import fields, replace

from searchctl.orchestrator.analysis.verification.record import Record
from searchctl.orchestrator.analysis.verification.verify import verify
from searchctl.orchestrator.halving.follow_up import NO_FOLLOW_UP
from searchctl.orchestrator.halving.job_key import JobKey
from searchctl.orchestrator.halving.rule import Decision
from searchctl.orchestrator.storage.rows import EpochRow, JobRow, TrialRow
from searchctl.searchspace import Params
from searchctl.trainer.core.results import Evaluation


def row(cls, **values):
    """Return a row of which only some columns matter."""
    return cls(**{each.name: values.get(each.name) for each in fields(cls)})


def job(trial, rung, state, score=None, **values):
    key = JobKey(trial, rung)
    return key, row(JobRow, **key._asdict(), state=state, score=score, **values)


def trial(number, lr, state):
    return TrialRow(number, {"lr": lr}, Params({"lr": lr}).fingerprint, state)


def evaluation(miou, loss=0.5):
    """Two classes, of which one is in the ground truth."""
    return Evaluation(loss, miou, 0.25, 0.125, class_iou=(miou, None), class_accuracy=(0.25, None))


SUMMARY = {"loss": 0.5, "miou": 0.875, "mean_accuracy": 0.25, "overall_accuracy": 0.125}


def epochs(rung, *scores):
    return [
        row(EpochRow, rung=rung, epoch=number, val_miou=score)
        for number, score in enumerate(scores, start=1)
    ]


AHEAD = "rank 1 of 3, 1 kept, 0.25 ahead of the best that was cut"


BEHIND = "rank 2 of 3, 1 kept, 0.25 behind the last survivor"


RECORD = Record(
    state="COMPLETE",
    direction="maximize",
    score="val_miou",
    planned=[[3, 1]],
    asked=NO_FOLLOW_UP,
    trials=[
        trial(0, 0.1, "PRUNED"),
        trial(1, 0.2, "COMPLETE"),
        trial(2, 0.3, "FAIL"),
    ],
    jobs=dict(
        [
            job(0, 0, "COMPLETE", 0.5, kept_epoch=2),
            job(1, 0, "COMPLETE", 0.75, kept_epoch=1),
            job(2, 0, "FAIL"),
            job(
                1,
                1,
                "COMPLETE",
                0.875,
                kept_epoch=2,
                weights="/runs/w",
                evaluations={"val": SUMMARY},
            ),
        ]
    ),
    decisions=[
        Decision(1, 0, "promoted", 0.75, 1, 3, 1, 0.75, 0.25, AHEAD),
        Decision(0, 0, "pruned", 0.5, 2, 3, 1, 0.75, -0.25, BEHIND),
        Decision(2, 0, "failed", None, None, 3, 1, 0.75, None, "failed: no finite score"),
        Decision(1, 1, "complete", 0.875, 1, 1, 1, 0.875, None, "rank 1 of 1, 1 kept"),
    ],
    epochs={
        JobKey(0, 0): epochs(0, None, 0.5),
        JobKey(1, 0): epochs(0, 0.75, 0.75),
        JobKey(1, 1): epochs(1, 0.25, 0.875),
    },
    class_scores={
        JobKey(0, 0): {0: (0.5, 0.25), 1: (None, None)},
        JobKey(1, 0): {0: (0.75, 0.25)},
        JobKey(1, 1): {0: (0.875, 0.25), 1: (None, None)},
    },
    by_images={
        JobKey(0, 0): evaluation(0.5),
        JobKey(1, 0): evaluation(0.75),
        JobKey(1, 1): evaluation(0.875),
    },
    missing_weights=set(),
)


def decided(position, **changes):
    """Return the record with one decision changed."""
    decisions = list(RECORD.decisions)
    decisions[position] = replace(decisions[position], **changes)
    return replace(RECORD, decisions=decisions)


def worked(trial, rung, **changes):
    """Return the record with one job changed."""
    key = JobKey(trial, rung)
    return replace(RECORD, jobs={**RECORD.jobs, key: replace(RECORD.jobs[key], **changes)})


def without(*positions):
    kept = [d for number, d in enumerate(RECORD.decisions) if number not in positions]
    return replace(RECORD, decisions=kept)


def lines(record):
    return [str(found) for found in verify(record)]
