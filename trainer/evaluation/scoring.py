"""Evaluations of a job: of the validation set during training, and of the kept weights."""

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from statistics import median

import torch
from torch import Tensor, nn

from searchctl.trainer.core.errors import DataError
from searchctl.trainer.core.results import OWN_FIELDS, Evaluation, ImageCounts
from searchctl.trainer.core.stopping import Stop
from searchctl.trainer.data.evaluation_batches import evaluation_batch_size
from searchctl.trainer.data.loader import LoadedSplit, fixed_batches, load_split
from searchctl.trainer.evaluation.evaluate import Scored, evaluate, evaluate_original
from searchctl.trainer.run.precision import Precision
from searchctl.trainer.run.preparation import PreparedJob
from searchctl.trainer.run.progress import Kept
from searchctl.trainer.scores.base import Score
from searchctl.trainer.settings.inference import Inference

LONGEST_S = 0.5
"""Longest duration of a latency measurement, in seconds."""
SHARE_OF_JOB = 0.02
"""Longest duration of a latency measurement, as a share of the job's time."""
FEWEST = 4
"""Smallest number of forward passes, whatever their duration."""
MOST = 100
"""Largest number of forward passes."""


@torch.inference_mode()
def latency_ms(
    model: nn.Module, image: Tensor, precision: Precision, *, job_seconds: float
) -> float:
    """Return the inference latency of one image in milliseconds: the median over several passes.

    The image is on the device before the measurement. The network runs as in an evaluation: in
    evaluation mode, which stays on, and in the same number format and memory layout. The first
    fifth of the passes is a warm-up and does not count. No random number is drawn, and the batch
    statistics do not change. The median removes short disturbances by other work on the machine.

    Args:
        model: network on its device.
        image: uint8 [1, 3, H, W] at the training size.
        precision: number format and memory layout of the forward pass.
        job_seconds: duration of the job so far; it limits the duration of the measurement.
    """
    model.eval()
    image = image.to(precision.device)
    longest_s = min(LONGEST_S, SHARE_OF_JOB * job_seconds)
    return median_ms(lambda: precision.logits(model, image), precision.device, longest_s)


def median_ms(predict: Callable[[], object], device: torch.device, longest_s: float) -> float:
    """Return the median duration of a prediction in milliseconds, over `longest_s` seconds.

    It is repeated `FEWEST` times at least and `MOST` times at most. The first fifth is a warm-up
    and does not count.
    """
    end = time.perf_counter() + longest_s
    took: list[float] = []
    while len(took) < FEWEST or (len(took) < MOST and time.perf_counter() < end):
        began = _now(device)
        predict()
        took.append(_now(device) - began)
    return 1000 * median(took[max(1, len(took) // 5) :])


def _now(device: torch.device) -> float:
    """Return the time after all queued work of the device has finished."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()


def score_validation(job: PreparedJob, stop: Stop) -> Scored:
    """Evaluate the current network on the validation set.

    Raises:
        DataError: the labels do not determine a score.
        Stopped: a stop was requested.
    """
    of_each_epoch = partial(evaluate, batches=job.validation_batches)
    evaluation, images = _evaluated(of_each_epoch, job, job.validation, stop)
    scores: dict[str, float | None] = {each.name: each.of(images) for each in _further_scores(job)}
    return replace(evaluation, scores=scores), images


def kept_evaluations(
    job: PreparedJob, kept: Kept, at_original: Inference | None, stop: Stop
) -> dict[str, Evaluation]:
    """Evaluate the kept weights on each split; 'val' was evaluated when they were kept.

    Raises:
        Stopped: a stop was requested.
    """
    job.training.scored_model.load_state_dict(kept.weights)
    scores = {"val": kept.validation, "train": _score(evaluate, job, job.images, stop)}
    if at_original:
        original = partial(evaluate_original, inference=at_original)
        scores["val_original"] = _score(original, job, job.validation, stop)
        if job.validation.dataset.names("test"):
            test = load_split(job.sample.data, "test")
            scores["test"] = _score(evaluate, job, test, stop)
            scores["test_original"] = _score(original, job, test, stop)
    return {split: evaluation for split, (evaluation, _) in scores.items()}


def kept_latency_ms(job: PreparedJob, job_seconds: float) -> float | None:
    """Measure the latency at the first validation image; None in all but the first process."""
    if not job.process_group.is_first:
        return None
    image, _ = next(fixed_batches(job.validation, 1))
    model = job.training.scored_model
    return latency_ms(model, image, job.precision, job_seconds=job_seconds)


def _score(how: Callable[..., Scored], job: PreparedJob, split: LoadedSplit, stop: Stop) -> Scored:
    evaluation, images = _evaluated(how, job, split, stop)
    scores = {score.name: _score_of_split(score, images) for score in _further_scores(job)}
    return replace(evaluation, scores=scores), images


def _further_scores(job: PreparedJob) -> list[Score]:
    """Return the scores that an evaluation does not have anyway."""
    return [each for each in (job.score, *job.recorded) if each.name not in OWN_FIELDS]


def _score_of_split(score: Score, images: ImageCounts) -> float | None:
    """Return a score; None where the split lacks a class that it needs."""
    try:
        return score.of(images)
    except DataError:
        return None


def _evaluated(
    how: Callable[..., Scored], job: PreparedJob, split: LoadedSplit, stop: Stop
) -> Scored:
    model, process_group = job.training.scored_model, job.process_group
    size = evaluation_batch_size(
        job.settings.batch_size, job.precision.device, processes=process_group.size
    )
    return how(model, split, job.precision, batch_size=size, stop=stop, process_group=process_group)
