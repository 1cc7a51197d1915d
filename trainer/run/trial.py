"""Runs one job: one trial at one rung, from its params to its result."""

import logging
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

import torch
from upath import UPath

from searchctl.trainer.core.errors import SettingsError
from searchctl.trainer.core.memory import peak_bytes
from searchctl.trainer.core.results import EpochRecord, Evaluation, JobResult, JobStatus
from searchctl.trainer.core.stopping import Diverged, Stop, status_for_error
from searchctl.trainer.data.loader import data_fingerprint, sample_hash
from searchctl.trainer.data.settings import Sample
from searchctl.trainer.ddp.group import SINGLE_PROCESS, ProcessGroup
from searchctl.trainer.evaluation.scoring import kept_evaluations, kept_latency_ms, score_validation
from searchctl.trainer.pictures.embeddings import check_embeddings, draw_embeddings, plot_embeddings
from searchctl.trainer.pictures.masks import MaskPicture
from searchctl.trainer.run.checkpoint import Checkpoint, newest_checkpoint, write_checkpoint
from searchctl.trainer.run.loop import train
from searchctl.trainer.run.preparation import Job, prepare
from searchctl.trainer.run.progress import Kept, Progress
from searchctl.trainer.run.torch_state import choose_device, describe, own_torch_state
from searchctl.trainer.run.watchdog import watch_for_stall
from searchctl.trainer.settings.inference import AS_VALIDATED, Inference
from searchctl.trainer.settings.training import Score, TrainSettings
from searchctl.trainer.weights.files import save_weights

OnEpoch = Callable[[EpochRecord], None]

log = logging.getLogger(__name__)


def run_job(
    params: Mapping[str, object],
    settings: TrainSettings,
    sample: Sample,
    *,
    rung: int,
    out: UPath,
    score: Score = "val_miou",
    final: bool = False,
    inference: Inference = AS_VALIDATED,
    features: bool = False,
    masks: int | Sequence[str] = 0,
    keep_weights: bool = False,
    init_from: UPath | None = None,
    encoder_from: UPath | None = None,
    resume_from: Sequence[UPath] = (),
    device: str | None = None,
    on_epoch: OnEpoch | None = None,
    stop: Stop | None = None,
    stall_timeout_s: float | None = None,
    process_group: ProcessGroup = SINGLE_PROCESS,
) -> JobResult:
    """Train one configuration on one sample of the data and score its best epoch.

    On a CPU, the same arguments at the same number of threads give the same result to the last
    bit, in this process or another, killed and resumed any number of times or not at all. With
    `sample.whole` 'train+val' the validation images are trained on: 'val' is still scored and
    picks the kept epoch, but is no evidence any more.

    Args:
        params: the trial's point of the search space: fields of `settings` and their values.
        settings: everything that the params do not say.
        sample: the training images; its seed is also that of weights, order and augmentation.
        rung: the level of the ladder, a part of those seeds.
        out: directory for what the job leaves, on a disk or in an object store; made when needed.
            After every epoch it holds out/checkpoint.pt, which stays: only who has stored the
            result knows that nothing will go on from it any more (see `remove_checkpoint`).
        score: what the kept epoch, early stopping and the plateau schedule go by.
        final: also score 'val_original', 'test' and 'test_original'.
        inference: how the images of 'val_original' and 'test_original' are predicted.
        features: draw what a classifier sees in the validation images to out/features.png.
        masks: so many validation images, spread over their order, or those of these names: their
            predicted masks are drawn to out/masks.png, of a final job at the first, middle and last
            epoch too. Nothing for classifiers.
        keep_weights: write the kept epoch's weights to out/model.safetensors.
        init_from: weights of the whole network to begin with, whatever `init` says.
        encoder_from: file of the encoder's pretrained weights for `init: pretrained`, in place of
            the one in `weights` or a download.
        resume_from: directories of earlier attempts at the same job; goes on after the latest
            epoch of which one of them has a checkpoint. Checkpoints of other jobs, or of other
            settings, and damaged ones do not count.
        device: 'cpu', 'cuda' or 'cuda:1'; by default the GPU where there is one.
        on_epoch: called with each epoch's record, once the epoch's checkpoint is written; not for
            the epochs of earlier attempts.
        stop: asked before every batch whether to leave.
        stall_timeout_s: seconds without a batch after which this process is ended, with the stacks
            of its threads on standard error: nothing else frees a GPU from a disk that hangs.
        process_group: the processes that train it together, each of which calls this with the same
            arguments: see `run_distributed`. The first one writes, draws and tells of epochs.

    Returns:
        The result, with the epochs, images and seconds of the attempts that it goes on from. What
        is wrong with the configuration (divergence, a bad shape, a missing file), and what is
        wrong with the machine (memory, disk) is a result too. Only what
        nobody foresaw is raised.
    """
    attempt = _Attempt(out, on_epoch or (lambda epoch: None))
    try:
        settings = settings.with_params(params)
        if not process_group.is_first:  # the first one does this for all
            features, masks, keep_weights = False, 0, False
        if features:
            check_embeddings(sample.data)
        place = choose_device(device)
        with (
            own_torch_state(settings.threads, place),
            watch_for_stall(stall_timeout_s, stop or (lambda: False)) as stop,
        ):
            job = prepare(
                settings,
                sample,
                rung=rung,
                score=score,
                init_from=init_from,
                encoder_from=encoder_from,
                device=place,
                process_group=process_group,
            )
            attempt.begin(job, resume_from)
            pictured = MaskPicture(masks, milestones=final) if _has_masks(sample, masks) else None
            looks = [partial(plot_embeddings, job, stop)] if features else []
            looks += [partial(pictured.record_milestone, job, stop)] if pictured else []
            kept = _train(job, partial(attempt.epoch_done, job, looks), stop)
            evaluations = kept_evaluations(job, kept, inference if final else None, stop)
            if pictured:
                pictured.draw(job, kept, out, stop)
            attempt.complete(
                job,
                kept,
                evaluations,
                latency_ms=kept_latency_ms(job, attempt.seconds()),
                weights=_save(kept, out) if keep_weights else None,
                features=draw_embeddings(job, out) if features else None,
            )
    except Exception as error:
        status = status_for_error(error)
        if status is None:
            raise
        attempt.end(status, error)
    return attempt.result()


class _Attempt:
    """What this attempt at a job has come to so far; it may end at any point."""

    def __init__(self, out: UPath, on_epoch: OnEpoch) -> None:
        self._out = out
        self._on_epoch = on_epoch
        self._started = time.perf_counter()
        self._seconds_before = 0.0
        self._gpus = 0
        self._progress = Progress()
        self._result = JobResult(status="stopped", score=None)

    def begin(self, job: Job, resume_from: Sequence[UPath]) -> None:
        """Put the job where the newest checkpoint of earlier attempts was."""
        self._result, self._gpus = _facts(job), job.process_group.size
        # read by one alone: an attempt that is taken for lost may still write
        mine = newest_checkpoint(resume_from if job.process_group.is_first else (), job.identity)
        if values := job.process_group.broadcast(vars(mine) if mine else None):
            found = Checkpoint(**values)
            job.training.load_state_dict(found.training)
            self._seconds_before = found.seconds
            self._result = replace(self._result, first_epoch=found.epoch + 1)
            log.info("going on after epoch %d of %d", found.epoch, job.settings.epochs)
        self._progress = job.training.progress

    def epoch_done(
        self, job: Job, looks: Sequence[Callable[[], None]], record: EpochRecord
    ) -> None:
        """Write the epoch's checkpoint, and only then tell of it."""
        if not job.process_group.is_first:
            return
        for look in looks:
            look()
        state = job.training.state_dict()
        checkpoint = Checkpoint(job.identity, record.epoch, self.seconds(), state)
        write_checkpoint(self._out, checkpoint)
        self._on_epoch(record)

    def complete(
        self,
        job: Job,
        kept: Kept,
        evaluations: dict[str, Evaluation],
        *,
        latency_ms: float | None,
        weights: UPath | None,
        features: UPath | None,
    ) -> None:
        """Take note of a job that came to its end."""
        self._result = replace(
            self._result,
            status="complete",
            score=kept.score,
            kept_epoch=kept.epoch,
            evaluations=evaluations,
            image_counts=kept.validation[1],
            latency_ms=latency_ms,
            weights=weights,
            features=features,
            peak_memory_bytes=peak_bytes(job.precision.device),
        )

    def end(self, status: JobStatus, error: Exception) -> None:
        """Take note of a job that ended with an error."""
        message: str | None = None
        if isinstance(error, Diverged | SettingsError):
            message = str(error)  # it says all that there is to know
        elif status != "stopped":
            message = f"{type(error).__name__}: {error}\n\n{traceback.format_exc()}"
        self._result = replace(self._result, status=status, error=message)

    def result(self) -> JobResult:
        """Return the result of the attempt, and of those that it went on from."""
        epochs = tuple(self._progress.records)
        seconds, on_gpu = self.seconds(), self._result.device.startswith("cuda")
        return replace(
            self._result,
            epochs=epochs,
            images_seen=sum(epoch.images for epoch in epochs),
            seconds=seconds,
            gpu_seconds=seconds * self._gpus if on_gpu else 0.0,
        )

    def seconds(self) -> float:
        """Return what the job has taken so far, with the attempts that this one goes on from."""
        return self._seconds_before + time.perf_counter() - self._started


def _facts(job: Job) -> JobResult:
    """Return what is known before the first step, for a job that may not come to its end."""
    trained = (weights for weights in job.training.model.parameters() if weights.requires_grad)
    return JobResult(
        status="stopped",
        score=None,
        device=describe(job.precision.device),
        threads=torch.get_num_threads(),
        trainable_parameters=sum(weights.numel() for weights in trained),
        initial_weights=job.initial_weights,
        sample_hash=sample_hash(job.images.names),
        data_fingerprint=data_fingerprint(job.sample.data),
    )


def _has_masks(sample: Sample, wanted: int | Sequence[str]) -> bool:
    return bool(wanted) and sample.data.task == "segmentation"


def _train(job: Job, on_epoch: OnEpoch, stop: Stop) -> Kept:
    return train(
        job.training,
        job.batches,
        job.loss,
        partial(score_validation, job, stop),
        job.settings,
        job.precision,
        score=job.score,
        seed=job.sample.seed,
        rung=job.rung,
        on_epoch=on_epoch,
        stop=stop,
    )


def _save(kept: Kept, out: UPath) -> UPath:
    path = out / "model.safetensors"
    save_weights(kept.weights, path)
    return path
