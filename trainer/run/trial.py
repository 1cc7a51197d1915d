"""Runs one job: one trial at one rung, from its params to its result."""

import logging
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import torch
from upath import UPath

from searchctl.trainer.core.errors import SettingsError
from searchctl.trainer.core.machine.hardware import hardware_of
from searchctl.trainer.core.machine.memory import peak_bytes
from searchctl.trainer.core.results import EpochRecord, Evaluation, JobResult, JobStatus
from searchctl.trainer.core.stopping import Diverged, Stop, TookTooLong, status_for_error, within
from searchctl.trainer.data.loader import data_fingerprint, sample_hash
from searchctl.trainer.ddp.group import SINGLE_PROCESS, ProcessGroup
from searchctl.trainer.evaluation.limit_latency import limit_latency_ms
from searchctl.trainer.evaluation.scoring import kept_evaluations, kept_latency_ms, score_validation
from searchctl.trainer.models.batch_norm import uses_batch_statistics
from searchctl.trainer.own_code.imports import use_code
from searchctl.trainer.pictures.embeddings import check_embeddings, draw_embeddings, plot_embeddings
from searchctl.trainer.pictures.masks import MaskPicture
from searchctl.trainer.run.checkpoints.file import Checkpoint, newest_checkpoint
from searchctl.trainer.run.checkpoints.writer import CheckpointWriter
from searchctl.trainer.run.job import TrialJob
from searchctl.trainer.run.loop import train
from searchctl.trainer.run.preparation import PreparedJob, prepare
from searchctl.trainer.run.progress import Kept, TrainingProgress
from searchctl.trainer.run.torch_state import choose_device, describe, own_torch_state
from searchctl.trainer.run.watchdog import watch_for_stall
from searchctl.trainer.settings.source.own import has_own_parts
from searchctl.trainer.trained.describing import describe_network
from searchctl.trainer.weights.files import save_weights

OnEpoch = Callable[[EpochRecord], None]

log = logging.getLogger(__name__)


def run_job(
    job: TrialJob,
    *,
    on_epoch: OnEpoch | None = None,
    stop: Stop | None = None,
    process_group: ProcessGroup = SINGLE_PROCESS,
) -> JobResult:
    """Train one configuration on one sample of the data and score its best epoch.

    On CPUs of one type, the same job at the same number of threads gives the same result to the
    last bit, in this process or another, killed and resumed any number of times or not at all. With
    `sample.whole` 'train+val' the validation images are trained on: 'val' is still scored and
    selects the kept epoch, but is no evidence any more.

    Args:
        job: what to train, and which files to write.
        on_epoch: called with each epoch's record, also where an earlier attempt has reported the
            epoch and left no checkpoint of it.
        stop: called before every batch; the job ends once it returns True. Nothing is saved then.
        process_group: the processes that train the job, each of which calls this with the same
            job: see `run_distributed`. Only the first one writes, draws and reports epochs.

    Returns:
        The result, with the epochs, images and seconds of the attempts that it resumed from. An
        error of the configuration (divergence, a bad shape, a missing file) or of the machine
        (memory, disk) is a result too. Only unforeseen errors are raised.
    """
    attempt = _Attempt(on_epoch or (lambda epoch: None))
    try:
        if job.code is not None:
            use_code(job.code)
        settings = job.trial_settings
        if not process_group.is_first:  # the first one does this for all
            job = replace(job, features=False, masks=0, keep_weights=False)
        if job.features:
            check_embeddings(job.sample.data)
        device = choose_device(job.device)
        with (
            own_torch_state(settings, device),
            watch_for_stall(job.stall_timeout_s, stop or (lambda: False)) as stop,
            CheckpointWriter(job.out, job.checkpoint_every_s) as checkpoints,
        ):
            stop = within(job.timeout_s, attempt.seconds, stop)
            prepared = prepare(job, device, process_group)
            attempt.begin(prepared, job)
            _train_and_score(job, prepared, attempt, checkpoints, stop)
    except Exception as error:
        status = status_for_error(error)
        if status is None and has_own_parts(job.settings.with_params(job.params)):
            status = "failed"  # an error of the user's code may be of any kind
        if status is None:
            raise
        attempt.end(status, error)
    return attempt.result()


def _train_and_score(
    job: TrialJob,
    prepared: PreparedJob,
    attempt: "_Attempt",
    checkpoints: CheckpointWriter,
    stop: Stop,
) -> None:
    wants_masks = bool(job.masks) and job.sample.data.task == "segmentation"
    pictured = MaskPicture(job.masks, milestones=job.final) if wants_masks else None
    looks = [partial(plot_embeddings, prepared, stop)] if job.features else []
    looks += [partial(pictured.record_milestone, prepared, stop)] if pictured else []
    kept = _train(prepared, partial(attempt.epoch_done, prepared, looks, checkpoints), stop)
    at_original = job.inference if job.final else None
    evaluations = kept_evaluations(prepared, kept, at_original, stop)
    if pictured:
        pictured.draw(prepared, kept, job.out, stop)
    attempt.complete(
        prepared,
        kept,
        evaluations,
        latency_ms=kept_latency_ms(prepared, attempt.seconds()),
        limit_latency_ms=limit_latency_ms(job, prepared, hardware_of(prepared.precision.device)),
        weights=_save(job, prepared, kept, evaluations) if job.keep_weights else None,
        features=draw_embeddings(prepared, job.out) if job.features else None,
    )


class _Attempt:
    """The state of one attempt at a job; it may end at any point."""

    def __init__(self, on_epoch: OnEpoch) -> None:
        self._on_epoch = on_epoch
        self._started = time.perf_counter()
        self._seconds_before = 0.0
        self._gpus = 0
        self._progress = TrainingProgress()
        self._result = JobResult(status="stopped", score=None)

    def begin(self, job: PreparedJob, requested: TrialJob) -> None:
        """Resume the job from the newest checkpoint of earlier attempts, if there is one."""
        folders = requested.resume_from if job.process_group.is_first else ()
        self._result, self._gpus = _facts(job), job.process_group.size
        # one process reads it for all: an attempt that counts as lost may still write
        mine = newest_checkpoint(
            folders, job.identity, refuse_others=requested.refuse_other_checkpoints
        )
        if values := job.process_group.broadcast(vars(mine) if mine else None):
            found = Checkpoint(**values)
            job.training.load_state_dict(found.training)
            self._seconds_before = found.seconds
            self._result = replace(self._result, first_epoch=found.epoch + 1)
            log.info("resuming after epoch %d of %d", found.epoch, job.settings.epochs)
        self._progress = job.training.progress

    def epoch_done(
        self,
        job: PreparedJob,
        looks: Sequence[Callable[[], None]],
        checkpoints: CheckpointWriter,
        record: EpochRecord,
    ) -> None:
        """Start the epoch's checkpoint, if one is due, and report the epoch."""
        if not job.process_group.is_first:
            return
        for look in looks:
            look()
        checkpoints.offer(lambda: self._checkpoint(job, record.epoch))
        self._on_epoch(record)

    def _checkpoint(self, job: PreparedJob, epoch: int) -> Checkpoint:
        return Checkpoint(job.identity, epoch, self.seconds(), job.training.state_dict())

    def complete(
        self,
        job: PreparedJob,
        kept: Kept,
        evaluations: dict[str, Evaluation],
        *,
        latency_ms: float | None,
        limit_latency_ms: float | None,
        weights: UPath | None,
        features: UPath | None,
    ) -> None:
        """Record the result of a job that was trained to its end."""
        self._result = replace(
            self._result,
            status="complete",
            score=kept.score,
            kept_epoch=kept.epoch,
            evaluations=evaluations,
            image_counts=kept.validation[1],
            latency_ms=latency_ms,
            limit_latency_ms=limit_latency_ms,
            weights=weights,
            features=features,
            peak_memory_bytes=peak_bytes(job.precision.device),
        )

    def end(self, status: JobStatus, error: Exception) -> None:
        """Record the error that ended the job."""
        message: str | None = None
        if isinstance(error, Diverged | SettingsError | TookTooLong):
            message = str(error)  # complete without a traceback
        elif status != "stopped":
            message = f"{type(error).__name__}: {error}\n\n{traceback.format_exc()}"
        self._result = replace(self._result, status=status, error=message)

    def result(self) -> JobResult:
        """Return the result, with the epochs of the attempts that this one resumed from."""
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
        """Return the job's seconds so far, with those of earlier attempts that it resumed from."""
        return self._seconds_before + time.perf_counter() - self._started


def _facts(job: PreparedJob) -> JobResult:
    """Return what is known before the first step, for a job that may end early."""
    trained = (weights for weights in job.training.model.parameters() if weights.requires_grad)
    return JobResult(
        status="stopped",
        score=None,
        device=describe(job.precision.device),
        hardware=hardware_of(job.precision.device),
        threads=torch.get_num_threads(),
        trainable_parameters=sum(weights.numel() for weights in trained),
        batch_statistics=uses_batch_statistics(job.training.model, job.settings.finetune),
        initial_weights=job.initial_weights,
        sample_hash=sample_hash(job.images.names),
        data_fingerprint=data_fingerprint(job.sample.data),
    )


def _train(job: PreparedJob, on_epoch: OnEpoch, stop: Stop) -> Kept:
    return train(
        job.training,
        job.batches,
        job.loss,
        partial(score_validation, job, stop),
        job.settings,
        job.precision,
        score=job.score,
        seed=job.sample.seed,
        on_epoch=on_epoch,
        stop=stop,
    )


def _save(
    job: TrialJob, prepared: PreparedJob, kept: Kept, evaluations: dict[str, Evaluation]
) -> UPath:
    path = job.out / "model.safetensors"
    description = describe_network(job, prepared, kept, evaluations)
    save_weights(kept.weights, path, description.metadata())
    return path
