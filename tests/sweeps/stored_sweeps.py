"""A small sweep as tests store it: two trials on a ladder of one rung."""

import numpy as np

from searchctl.orchestrator.draws.points import Point
from searchctl.orchestrator.halving.job_key import JobKey
from searchctl.orchestrator.halving.rule import Decision
from searchctl.orchestrator.storage.writes.cohorts import NewCohort
from searchctl.orchestrator.storage.writes.new_sweeps import NewSweep
from searchctl.searchspace import Params
from searchctl.trainer.core.results import EpochRecord, Evaluation, ImageCounts, JobResult

LADDER = [{"rung": 0, "trials": 2, "fraction": "1/2", "images": 5}]


def new_cohort(number=0, ladder=LADDER, **values):
    trials = ladder[0]["trials"]
    row = {"method": "random", "settings": {}, "seed": 0, "min_fraction": None, "lag": 2}
    return NewCohort(number, trials, ladder=ladder, **{**row, "sources": [], **values})


def new_sweep(name="first", params=({"lr": 0.1}, {"lr": 0.01})):
    return NewSweep(
        name=name,
        source="",
        spec={"name": name},
        spec_hash="abc",
        direction="maximize",
        ladder=LADDER,
        versions={"torch": "2"},
        classes=["sky", "road"],
        data_fingerprint="f00",
        points=[Point(Params(values), "random") for values in params],
        cohorts=[new_cohort()],
    )


def epoch(number=1, train_loss=1.0, **values):
    return EpochRecord(number, train_loss, lr=0.1, images=5, seconds=0.1, **values)


def counts():
    """Two images of two classes; every number differs from its neighbours."""
    of_pixels = np.arange(12, dtype=np.uint32).reshape(2, 2, 3)
    return ImageCounts(of_pixels, np.array([0.1, 2.5]), np.array([30, 2**40]))


def complete(score=0.4, **values):
    return JobResult(
        "complete",
        score,
        kept_epoch=2,
        epochs=tuple(epoch(e, 1.0 / e, val_loss=0.9, val_miou=0.3) for e in (1, 2)),
        evaluations={
            "val": Evaluation(0.5, 0.4, 0.6, 0.7, class_iou=(0.4, None), class_accuracy=(0.6, None))
        },
        image_counts=counts(),
        seconds=1.5,
        device="cpu",
        **values,
    )


def decision(trial, rank, verdict):
    return Decision(trial, 0, verdict, 0.4, rank, 2, 1, 0.4, 0.1, "because")


def start(writer, trial=0, token="t1", gpus=0.0):
    key = JobKey(trial, 0)
    return writer.start_attempt(key, token=token, fraction="1/2", images=5, gpus=gpus)
