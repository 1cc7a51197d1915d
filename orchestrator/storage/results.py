"""Converts a job's result to the values of its rows, and image counts back."""

import math
import zlib
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from searchctl.orchestrator.storage.rows import JOB_STATES
from searchctl.trainer.core.results import EpochRecord, ImageCounts, JobResult

_JOB_COLUMNS = (
    "score",
    "kept_epoch",
    "seconds",
    "gpu_seconds",
    "images_seen",
    "peak_memory_bytes",
    "device",
    "hardware",
    "reused_from",
    "threads",
    "trainable_parameters",
    "latency_ms",
    "initial_weights",
    "sample_hash",
    "data_fingerprint",
    "error",
)
_UNKNOWN_AS_ZERO = ("peak_memory_bytes", "threads", "trainable_parameters")
"""Of these, 0 means that a result does not know them."""


def job_values(result: JobResult) -> dict[str, Any]:
    """Return the values of the job's row."""
    summaries = {
        split: _finite({k: v for k, v in asdict(evaluation).items() if not k.startswith("class_")})
        for split, evaluation in result.evaluations.items()
    }
    return {
        **{name: getattr(result, name) for name in _JOB_COLUMNS},
        **{name: getattr(result, name) or None for name in _UNKNOWN_AS_ZERO},
        "state": JOB_STATES[result.status],
        "weights": str(result.weights) if result.weights else None,
        "features": str(result.features) if result.features else None,
        "evaluations": summaries,
    }


def epoch_row(record: EpochRecord) -> dict[str, Any]:
    """Return the values of one epoch's row."""
    return _finite(asdict(record))


def class_rows(result: JobResult) -> list[dict[str, Any]]:
    """Return the rows of IoU and accuracy per split and class."""
    return [
        {"split": split, "class_id": class_id, "iou": iou, "accuracy": accuracy}
        for split, evaluation in result.evaluations.items()
        for class_id, (iou, accuracy) in enumerate(
            zip(evaluation.class_iou, evaluation.class_accuracy, strict=True)
        )
    ]


def image_rows(scores: ImageCounts | None) -> list[dict[str, Any]]:
    """Return one row with the compressed counts of all images; no row without counts."""
    if scores is None:
        return []
    images, classes, _ = scores.counts.shape
    return [
        {
            "images": images,
            "classes": classes,
            "counts": zlib.compress(scores.counts.astype("<u4").tobytes()),
            "loss_sums": zlib.compress(scores.loss_sums.astype("<f8").tobytes()),
            "pixels": zlib.compress(scores.pixels.astype("<i8").tobytes()),
        }
    ]


def image_counts(row: Mapping[str, Any]) -> ImageCounts:
    """Return the counts from a row of `image_rows`.

    Raises:
        ValueError: the counts are damaged.
    """
    images, classes = row["images"], row["classes"]
    try:
        counts, loss_sums, pixels = (
            np.frombuffer(zlib.decompress(row[name]), stored_as)
            for name, stored_as in (("counts", "<u4"), ("loss_sums", "<f8"), ("pixels", "<i8"))
        )
    except zlib.error as error:
        raise ValueError(str(error)) from error
    if (counts.size, loss_sums.size, pixels.size) != (images * classes * 3, images, images):
        raise ValueError(f"the counts do not fit {images} images and {classes} classes")
    return ImageCounts(
        counts=counts.reshape(images, classes, 3).astype(np.uint32),
        loss_sums=loss_sums.astype(np.float64),
        pixels=pixels.astype(np.int64),
    )


def _finite(row: dict[str, Any]) -> dict[str, Any]:
    """Replace NaN and infinity by None: databases and JSON do not agree on them."""
    return {key: _finite_value(value) for key, value in row.items()}


def _finite_value(value: Any) -> Any:
    if isinstance(value, dict):
        return _finite(value)
    return None if isinstance(value, float) and not math.isfinite(value) else value
