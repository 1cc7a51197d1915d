"""Trains one exported configuration on all of the data: longer, with another seed, or train+val."""

import json
import os
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from orchestrator.errors import SearchctlError
from orchestrator.export import Exported
from orchestrator.places import check_writable
from trainer.data_settings import Sample
from trainer.results import EpochRecord, JobResult
from trainer.samples import build_dataset


def train_exported(
    exported: Exported,
    out: Path,
    *,
    train_and_val: bool = False,
    on_epoch: Callable[[EpochRecord], None] | None = None,
) -> JobResult:
    """Train, score the test split at both sizes, and write model.safetensors and metrics.json.

    With the exported settings unchanged this gives the very numbers of the sweep's last rung (on a
    CPU of the same type, with the same threads).

    Raises:
        SearchctlError: the training diverged or failed, or `out` cannot be written to.
        DataError: a file of the data set is missing or does not fit.
    """
    from trainer import run_job

    check_writable(out, "name another directory with -o")
    dataset = build_dataset(exported.data)
    dataset.check()
    images = len(dataset.names("train"))
    origin = exported.exported_from
    result = run_job(
        {},
        exported.training,
        Sample(exported.data, images, exported.seed, "train+val" if train_and_val else "train"),
        rung=origin.rung if origin else 0,
        out=out,
        score=exported.score,
        final=True,
        keep_weights=True,
        on_epoch=on_epoch,
    )
    if result.status != "complete":
        raise SearchctlError(f"the training {result.status}: {result.error}")
    metrics = _metrics(exported, result, dataset.class_names)
    _write(out / "metrics.json", json.dumps(metrics, indent=2) + "\n")
    return result


def _metrics(exported: Exported, result: JobResult, classes: tuple[str, ...]) -> dict[str, Any]:
    return {
        "configuration": exported.model_dump(mode="json", by_alias=True),
        "score": result.score,
        "kept_epoch": result.kept_epoch,
        "seconds": result.seconds,
        "device": result.device,
        "trainable_parameters": result.trainable_parameters,
        "classes": list(classes),
        "evaluations": {split: asdict(e) for split, e in result.evaluations.items()},
        "epochs": [asdict(record) for record in result.epochs],
    }


def _write(path: Path, text: str) -> None:
    """Write a whole file or nothing."""
    partial = path.with_suffix(".partial")
    partial.write_text(text)
    os.replace(partial, path)
