"""Runs one job: one trial at one rung, from its params to its result."""

import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import torch

from trainer.checkpoint import load_weights, save_weights
from trainer.data_settings import Sample
from trainer.errors import SettingsError, TrainerError
from trainer.evaluate import Scored, evaluate, evaluate_original
from trainer.finetune import freeze
from trainer.loader import (
    LoadedSplit,
    TrainingBatches,
    data_fingerprint,
    load_sample,
    load_split,
    sample_hash,
)
from trainer.loop import Kept, train
from trainer.losses import build_loss, count_pixels
from trainer.models import build_model
from trainer.models.base import SegmentationModel
from trainer.precision import Arithmetic
from trainer.results import EpochRecord, Evaluation, JobResult
from trainer.seeds import derive_seed
from trainer.settings import Score, TrainSettings
from trainer.stopping import Diverged, Stop, Stopped
from trainer.torch_state import choose_device, describe, own_torch_state

# Errors that the same configuration would meet again. Others are not the configuration's fault.
_CONFIGURATION_ERRORS = (TrainerError, ValueError, IndexError, RuntimeError, MemoryError)


def run_job(
    params: Mapping[str, object],
    settings: TrainSettings,
    sample: Sample,
    *,
    rung: int,
    out: Path,
    score: Score = "val_miou",
    final: bool = False,
    keep_weights: bool = False,
    init_from: Path | None = None,
    device: str | None = None,
    on_epoch: Callable[[EpochRecord], None] | None = None,
    stop: Stop | None = None,
) -> JobResult:
    """Train one configuration on one sample of the data and score its best epoch.

    On a CPU, the same arguments at the same number of threads give the same result to the last
    bit, in this process or another. With `sample.whole` 'train+val' the validation images are
    trained on: 'val' is still scored and picks the kept epoch, but is no evidence any more.

    Args:
        params: the trial's point of the search space: fields of `settings` and their values.
        settings: everything that the params do not say.
        sample: the training images; its seed is also that of weights, order and augmentation.
        rung: the level of the ladder, a part of those seeds.
        out: directory for what the job leaves; made when needed.
        score: what the kept epoch, early stopping and the plateau schedule go by.
        final: also score 'val_original', 'test' and 'test_original'.
        keep_weights: write the kept epoch's weights to out/model.safetensors.
        init_from: weights to begin with, in place of fresh ones.
        device: 'cpu', 'cuda' or 'cuda:1'; by default the GPU where there is one.
        on_epoch: called with each epoch's record.
        stop: asked before every batch whether to leave.

    Returns:
        The result. What is wrong with the configuration (divergence, a bad shape, a missing file,
        out of memory) is a result too, with the epochs so far. Only errors of the machine are
        raised, after which the same job may be tried again.
    """
    started = time.perf_counter()
    stop = stop or (lambda: False)
    epochs: list[EpochRecord] = []
    result = JobResult(status="stopped", score=None)

    def record(epoch: EpochRecord) -> None:
        epochs.append(epoch)
        if on_epoch is not None:
            on_epoch(epoch)

    try:
        settings = settings.with_params(params)
        place = choose_device(device)
        with own_torch_state(settings.threads, place):
            job = _prepare(settings, sample, rung, init_from, place)
            result = _facts(job, sample)
            kept = _train(job, sample, rung, score, record, stop)
            evaluations = _evaluations(job, kept, sample, final, stop)
            weights = _save(kept, out) if keep_weights else None
            result = replace(
                result,
                status="complete",
                score=kept.score,
                kept_epoch=kept.epoch,
                evaluations=evaluations,
                image_counts=kept.validation[1],
                weights=weights,
                peak_memory_bytes=_peak_memory(place),
            )
    except Stopped:
        pass
    except Diverged as error:
        result = replace(result, status="diverged", error=str(error))
    except torch.AcceleratorError:
        raise  # the GPU's context is broken: no further job can run in this process
    except _CONFIGURATION_ERRORS as error:
        explained = f"{type(error).__name__}: {error}\n\n{traceback.format_exc()}"
        result = replace(result, status="failed", error=explained)
    seconds = time.perf_counter() - started
    return replace(
        result,
        epochs=tuple(epochs),
        images_seen=sum(epoch.images for epoch in epochs),
        seconds=seconds,
        gpu_seconds=seconds if result.device.startswith("cuda") else 0.0,
    )


@dataclass(frozen=True)
class _Job:
    """Everything that is ready before the first step."""

    settings: TrainSettings
    arithmetic: Arithmetic
    training: LoadedSplit
    validation: LoadedSplit
    model: SegmentationModel


def _prepare(
    settings: TrainSettings, sample: Sample, rung: int, init_from: Path | None, device: torch.device
) -> _Job:
    training, validation = load_sample(sample), load_split(sample.data, "val")
    torch.manual_seed(derive_seed(sample.seed, "init", rung))
    model = build_model(settings, len(training.dataset.class_names))
    if init_from is not None:
        _load_into(model, init_from)
    freeze(model, settings.finetune)
    arithmetic = Arithmetic(settings, device)
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    return _Job(settings, arithmetic, training, validation, arithmetic.place(model))


def _load_into(model: SegmentationModel, path: Path) -> None:
    try:
        model.load_state_dict(load_weights(path))
    except RuntimeError as error:
        raise SettingsError(f"the weights of {path} are not of this model: {error}") from error


def _facts(job: _Job, sample: Sample) -> JobResult:
    """Return what is known before the first step, for a job that may not come to its end."""
    trained = (weights for weights in job.model.parameters() if weights.requires_grad)
    return JobResult(
        status="stopped",
        score=None,
        device=describe(job.arithmetic.device),
        threads=torch.get_num_threads(),
        trainable_parameters=sum(weights.numel() for weights in trained),
        sample_hash=sample_hash(job.training.names),
        data_fingerprint=data_fingerprint(sample.data),
    )


def _train(
    job: _Job,
    sample: Sample,
    rung: int,
    score: Score,
    on_epoch: Callable[[EpochRecord], None],
    stop: Stop,
) -> Kept:
    settings, dataset = job.settings, job.training.dataset
    batches = TrainingBatches(
        job.training,
        batch_size=settings.batch_size,
        augment=settings.augment,
        seed=sample.seed,
        rung=rung,
        workers=settings.loader_workers,
    )
    labels = torch.as_tensor(job.training.labels)
    loss = build_loss(
        settings,
        ignore_index=dataset.ignore_index,
        pixel_counts=count_pixels(labels, len(dataset.class_names)),
    )
    return train(
        job.model,
        batches,
        loss.to(job.arithmetic.device),
        partial(_score, evaluate, job, job.validation, stop),
        settings,
        job.arithmetic,
        score=score,
        seed=sample.seed,
        rung=rung,
        on_epoch=on_epoch,
        stop=stop,
    )


def _score(how: Callable[..., Scored], job: _Job, split: LoadedSplit, stop: Stop) -> Scored:
    return how(job.model, split, job.arithmetic, batch_size=job.settings.batch_size, stop=stop)


def _evaluations(
    job: _Job, kept: Kept, sample: Sample, final: bool, stop: Stop
) -> dict[str, Evaluation]:
    """Score the kept weights, by name of the split; 'val' was scored when they were kept."""
    job.model.load_state_dict(kept.weights)
    scores = {"val": kept.validation, "train": _score(evaluate, job, job.training, stop)}
    if final:
        scores["val_original"] = _score(evaluate_original, job, job.validation, stop)
        if job.validation.dataset.names("test"):
            test = load_split(sample.data, "test")
            scores["test"] = _score(evaluate, job, test, stop)
            scores["test_original"] = _score(evaluate_original, job, test, stop)
    return {split: evaluation for split, (evaluation, _) in scores.items()}


def _save(kept: Kept, out: Path) -> Path:
    path = out / "model.safetensors"
    save_weights(kept.weights, path)
    return path


def _peak_memory(device: torch.device) -> int:
    """Return the most bytes that torch held on the GPU at once; 0 on a CPU, where it can't tell."""
    return torch.cuda.max_memory_allocated(device) if device.type == "cuda" else 0
