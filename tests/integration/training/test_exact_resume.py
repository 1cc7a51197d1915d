"""A job that is killed, in earnest and at any point, and resumed in another process gives what it
would have given: the same weights to the last bit, the same scores, the same epochs."""

import shutil
import signal
from dataclasses import replace

import pytest

from searchctl.trainer import Sample, TrainSettings
from searchctl.trainer.data.sets.street_classes import CLASS_NAMES, VOID
from searchctl.trainer.data.settings import FolderData
from tests.jobs.small_jobs import run_small
from tests.networks.weight_files import tensors
from tests.processes.killed_jobs import exit_code, train_and_die
from tests.sweeps.grids import mostly_exhaustive

SETTINGS = TrainSettings(
    model="unet",
    width=2,
    dropout=0.2,
    augment="scale_crop_jitter",
    epochs=5,
    batch_size=4,
    lr=1e-2,
    threads=1,
)
IMAGES = {"train": 9, "val": 3, "test": 2}


@pytest.fixture(scope="session")
def few_camvid(camvid_root, tmp_path_factory):
    """A few of CamVid's images, so that a process has read them in no time."""
    root = tmp_path_factory.mktemp("few_camvid")
    for split, count in IMAGES.items():
        for kind, source in (("images", split), ("masks", f"{split}annot")):
            (root / split / kind).mkdir(parents=True)
            for path in sorted((camvid_root / source).iterdir())[: 10 * count : 10]:
                shutil.copy(path, root / split / kind)
    return FolderData(
        dataset="folder", root=root, image_size=(32, 48), classes=CLASS_NAMES, ignore_index=VOID
    )


@pytest.fixture
def run(few_camvid, tmp_path):
    """Run a job in this process, to its end; or in another, which is killed on its way."""

    def to_the_end(params, out="whole", resume_from=(), **arguments):
        return run_small(
            SETTINGS,
            Sample(few_camvid, images=IMAGES["train"], seed=7),
            params=params,
            out=tmp_path / out,
            keep_weights=True,
            resume_from=[tmp_path / folder for folder in resume_from],
            **arguments,
        )

    def killed(params, out, resume_from=(), **when):
        request = {
            "params": params,
            "settings": SETTINGS.model_dump(mode="json", by_alias=True),
            "data": few_camvid.model_dump(mode="json"),
            "images": IMAGES["train"],
            "out": str(tmp_path / out),
            "resume_from": [str(tmp_path / folder) for folder in resume_from],
            **when,
        }
        assert exit_code(train_and_die, request) == -signal.SIGKILL

    to_the_end.killed = killed
    return to_the_end


def outcome(result):
    """Everything but the clock, the attempt and the file's name."""
    counts = result.image_counts
    return {
        "status": result.status,
        "score": result.score,
        "kept_epoch": result.kept_epoch,
        "weights": tensors(result.weights),
        "evaluations": result.evaluations,
        "counts": [counts.counts.tolist(), counts.loss_sums.tolist(), counts.pixels.tolist()],
        "types": [counts.counts.dtype, counts.loss_sums.dtype, counts.pixels.dtype],
        "epochs": [replace(epoch, seconds=0.0) for epoch in result.epochs],
        "images_seen": result.images_seen,
    }


def job(killed, workers=(0, 0), *, first_epoch, **params):
    """Where a job is killed, with how many loader workers it is started and resumed."""
    return params, killed, workers, first_epoch


AFTER_EPOCH = [{"epoch": epoch} for epoch in range(6)]
IN_EPOCH = [{"batch": 3 * epoch - 1} for epoch in range(6)]  # two of training, one of validation
AVERAGED = {"ema": 0.8}
SGD = {"optimizer": "sgd", "momentum": 0.9}
JOBS = {
    "adamw, one_cycle": job(AFTER_EPOCH[3], lr_schedule="one_cycle", first_epoch=4),
    "sgd, plateau, in an epoch, 2 workers": job(
        IN_EPOCH[3],
        (2, 2),
        **SGD,
        lr_schedule="plateau",
        lr_decay=0.5,
        lr_patience=0,
        first_epoch=3,
    ),
    "adamw, step, in an epoch, 3 workers, then 2": job(
        IN_EPOCH[4], (3, 2), lr_schedule="step", lr_step=2, lr_decay=0.3, first_epoch=4
    ),
    "sgd, poly, focal, 2 workers, then none": job(
        AFTER_EPOCH[2], (2, 0), **SGD, lr_schedule="poly", loss="focal", first_epoch=3
    ),
    "adam, cosine, before the scoring": job(
        AFTER_EPOCH[5], optimizer="adam", amsgrad=True, lr_schedule="cosine", first_epoch=6
    ),
    "half of the patience spent, 1 of 2 validations": job(
        AFTER_EPOCH[4], lr=1e-30, epochs=9, patience=2, validate={"every": 2}, first_epoch=5
    ),
    "averaged, in the warm-up, clipped, 3 batches a step": job(
        AFTER_EPOCH[1],
        **AVERAGED,
        batch_size=2,
        accumulate=3,
        clip_norm=0.1,
        lr_schedule="cosine",
        lr_warmup=2,
        first_epoch=2,
    ),
    "averaged, after the warm-up, in an epoch, adamax, weighted": job(
        IN_EPOCH[4],
        **AVERAGED,
        optimizer="adamax",
        accumulate=2,
        lr_warmup=2,
        lr_schedule="poly",
        loss="weighted_cross_entropy",
        class_weights="effective_number",
        label_smoothing=0.1,
        first_epoch=4,
    ),
    "averaged, kept in an earlier epoch": job(
        AFTER_EPOCH[4], **AVERAGED, lr=1e-30, clip_norm=1.0, first_epoch=5
    ),
    "fcn, channels_last, bf16, no worker, then 2": job(
        AFTER_EPOCH[1],
        (0, 2),
        model="simple_fcn",
        channels_last=True,
        precision="bf16",
        first_epoch=2,
    ),
}


@pytest.mark.parametrize(
    ("params", "when", "workers", "first_epoch"),
    mostly_exhaustive(
        JOBS,
        "averaged, after the warm-up, in an epoch, adamax, weighted",
        "fcn, channels_last, bf16, no worker, then 2",
    ),
)
def test_a_killed_and_resumed_job_gives_the_uninterrupted_jobs_result_to_the_last_bit(
    run, params, when, workers, first_epoch
):
    run.killed({**params, "loader_workers": workers[0]}, "killed", **when)
    resumed = run({**params, "loader_workers": workers[1]}, "resumed", resume_from=["killed"])
    whole = run(params)
    assert outcome(resumed) == outcome(whole)
    assert (resumed.first_epoch, whole.first_epoch) == (first_epoch, 1)


def test_a_job_killed_again_and_again_ends_as_one_that_was_not(run):
    run.killed({}, "first", epoch=2)
    run.killed({}, "second", resume_from=["first"], batch=5)  # in epoch 4
    run.killed({}, "third", resume_from=["first", "second"], batch=2)  # before its first checkpoint
    resumed = run({}, "fourth", resume_from=["first", "second", "third"])
    assert resumed.first_epoch == 4
    assert outcome(resumed) == outcome(run({}))
