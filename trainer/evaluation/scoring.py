"""What is scored of a job: the validation set as it trains, and the weights that it keeps."""

import math
import time
from collections.abc import Callable
from functools import partial
from statistics import median

import torch
from torch import Tensor, nn

from searchctl.trainer.core.results import Evaluation
from searchctl.trainer.core.stopping import Stop
from searchctl.trainer.data.loader import LoadedSplit, fixed_batches, load_split
from searchctl.trainer.evaluation.evaluate import Scored, evaluate, evaluate_original
from searchctl.trainer.run.precision import Precision
from searchctl.trainer.run.preparation import Job
from searchctl.trainer.run.progress import Kept
from searchctl.trainer.settings.inference import Inference

LONGEST_S = 0.5
"""So long is measured at most,"""
SHARE_OF_JOB = 0.02
"""and for this share of the job's time at most,"""
FEWEST = 4
"""but for so many passes in any case,"""
MOST = 100
"""and no more than so many."""


@torch.inference_mode()
def latency_ms(
    model: nn.Module, image: Tensor, precision: Precision, *, job_seconds: float
) -> float:
    """Return the median milliseconds of a pass over one image that is on the device already.

    The network is run as it is scored: in evaluation mode, in which it is left, and in the same
    number format and memory layout. The first fifth of the passes warms up and is not counted. No
    random number is drawn, and no statistics of batch normalisation change. Other work of the
    machine is measured with it, which the median keeps out as long as it comes and goes.

    Args:
        model: on its device.
        image: uint8 [1, 3, H, W] at the training size.
        precision: in which it is scored.
        job_seconds: what the job has taken so far, by which the measurement is bounded.
    """
    model.eval()
    image = image.to(precision.device)
    end = time.perf_counter() + min(LONGEST_S, SHARE_OF_JOB * job_seconds)
    took: list[float] = []
    while len(took) < FEWEST or (len(took) < MOST and time.perf_counter() < end):
        began = _now(precision.device)
        precision.logits(model, image)
        took.append(_now(precision.device) - began)
    return 1000 * median(took[max(1, len(took) // 5) :])


def _now(device: torch.device) -> float:
    """Return the time, once all that the device was asked for is done."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()


def score_validation(job: Job, stop: Stop) -> Scored:
    """Score the network as it is now on the validation set.

    Raises:
        Stopped: asked to leave.
    """
    return _score(evaluate, job, job.validation, stop)


def kept_evaluations(
    job: Job, kept: Kept, at_original: Inference | None, stop: Stop
) -> dict[str, Evaluation]:
    """Score the kept weights, by name of the split; 'val' was scored when they were kept.

    Raises:
        Stopped: asked to leave.
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


def kept_latency_ms(job: Job, job_seconds: float) -> float | None:
    """Measure the network at the first validation image, in the first process only."""
    if not job.process_group.is_first:
        return None
    image, _ = next(fixed_batches(job.validation, 1))
    model = job.training.scored_model
    return latency_ms(model, image, job.precision, job_seconds=job_seconds)


def _score(how: Callable[..., Scored], job: Job, split: LoadedSplit, stop: Stop) -> Scored:
    size = math.ceil(job.settings.batch_size / job.process_group.size)
    model, process_group = job.training.scored_model, job.process_group
    return how(model, split, job.precision, batch_size=size, stop=stop, process_group=process_group)
