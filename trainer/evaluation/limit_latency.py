"""The latency that a sweep's limit is about: of one image as the network will be used."""

import math
from collections.abc import Callable
from functools import partial

import torch

from searchctl.trainer.data.loader import fixed_batches
from searchctl.trainer.data.sets.base import Image
from searchctl.trainer.evaluation.inference import Predictor
from searchctl.trainer.evaluation.scoring import median_ms
from searchctl.trainer.run.job import TrialJob
from searchctl.trainer.run.preparation import PreparedJob

LONGEST_S = 1.0
"""Longest duration of the measurement in seconds, but for a network that is slower than that."""


def limit_latency_ms(job: TrialJob, prepared: PreparedJob, hardware: str) -> float | None:
    """Measure how long one image takes in milliseconds, where that is not known yet.

    It is the median over several passes of the kept weights on the first validation image. By
    default, the image is at the training size and on the device. With settings of `inference`, it
    is at its original size, and its windows, views and resizing count.

    Args:
        job: says for which hardware the latency is known, and how images will be predicted.
        prepared: the same job with its network.
        hardware: where it runs.

    Returns:
        None if no limit needs it, if it is known, and in all but the first process.
    """
    known = job.latency_known_on
    if known is None or hardware in known or not prepared.process_group.is_first:
        return None
    model, precision = prepared.training.scored_model, prepared.precision
    model.eval()
    predict: Callable[[], object]
    if job.inference.as_validated:
        pixels, _ = next(fixed_batches(prepared.validation, 1))
        predict = partial(precision.logits, model, pixels.to(precision.device))
    else:
        split = prepared.validation
        image, _ = split.dataset.load("val", split.indices[0])
        predict = partial(_predict_original, job, prepared, image)
    with torch.inference_mode():
        return median_ms(predict, precision.device, LONGEST_S)


def _predict_original(job: TrialJob, prepared: PreparedJob, image: Image) -> None:
    split = prepared.validation
    height, width = split.images.shape[1:3]
    predictor = Predictor(
        prepared.training.scored_model,
        prepared.precision,
        job.inference,
        image_size=(height, width),
        batch_size=math.ceil(prepared.settings.batch_size / prepared.process_group.size),
    )
    for _ in predictor.strips(image, image.shape[:2], len(split.dataset.class_names)):
        pass
