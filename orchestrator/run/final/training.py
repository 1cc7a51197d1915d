"""Trains one exported configuration on all of the data: longer, with another seed, or train+val."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from upath import UPath

from searchctl.orchestrator.artifacts.directory import check_writable
from searchctl.orchestrator.artifacts.export import Exported
from searchctl.orchestrator.artifacts.model_directory import (
    METRICS,
    WEIGHTS,
    check_free,
    write_model,
)
from searchctl.orchestrator.artifacts.named_weights import found_from_here
from searchctl.orchestrator.core.errors import SearchctlError
from searchctl.orchestrator.run.final.metrics import write_metrics
from searchctl.orchestrator.run.final.script import train_by_script
from searchctl.orchestrator.run.preparation.decoding import decode_for
from searchctl.trainer.core.results import EpochRecord, JobResult
from searchctl.trainer.data.cache.store import OnProgress, ignore_progress
from searchctl.trainer.data.opening import build_dataset
from searchctl.trainer.data.samples import normalisation_of
from searchctl.trainer.data.sets.base import Dataset
from searchctl.trainer.data.settings import Sample
from searchctl.trainer.own_code.imports import use_code
from searchctl.trainer.run.job import TrialJob
from searchctl.trainer.script.settings import ScriptSettings
from searchctl.trainer.settings.batch import Batch
from searchctl.trainer.settings.training import TrainSettings
from searchctl.trainer.trained.description import Source


def train_exported(
    exported: Exported,
    out: UPath,
    *,
    train_and_val: bool = False,
    overwrite: bool = False,
    on_epoch: Callable[[EpochRecord], None] | None = None,
    stop: Callable[[], bool] | None = None,
    tell: OnProgress = ignore_progress,
) -> JobResult:
    """Train, score the test split at both sizes, and write the network, its card and its metrics.

    The files are model.safetensors, README.md, metrics.json, and the own code that the network
    needs in `code`. Unless `overwrite` is set, a finished model in `out` is refused.

    With the exported settings unchanged this gives the very numbers of the sweep's last rung (on a
    CPU of the same type, with the same threads). Called again after it was killed or stopped, it
    resumes from the checkpoint in `out`, if it is of the same training. One of another training is
    refused unless `overwrite` is set.

    Files of initial weights are named by paths, relative ones from the current directory.

    Returns:
        The result: 'complete', or 'stopped' if a stop was requested; then only a checkpoint is
            written.

    Raises:
        SearchctlError: the network cannot be built, or not score images like that; the training
            diverged, failed or was lost; `out` holds a finished model or another training's
            checkpoint, or cannot be written to; a file of initial weights is not there.
        DataError: a file of the data set is missing or does not fit.
        CodeError: a file of the own code is missing, or not as it was exported.
    """
    from searchctl.trainer import run_job
    from searchctl.trainer.run.checkpoints.file import remove_checkpoint

    whole = "train+val" if train_and_val else "train"
    if isinstance(exported.training, ScriptSettings):
        check_free(out, overwrite=overwrite, finished=(METRICS,))
        options: dict[str, Any] = {"whole": whole, "on_epoch": on_epoch, "stop": stop, "tell": tell}
        result = train_by_script(exported, exported.training, out, **options)
        _check_end(result)
        return result
    if exported.own_code is not None:
        use_code(exported.own_code)
    training = found_from_here(exported.training)
    exported = exported.model_copy(update={"training": training})
    _check_kept_apart(training, out)
    check_free(out, overwrite=overwrite, finished=(WEIGHTS, METRICS))
    check_writable(out, "name another directory with -o")
    dataset = build_dataset(exported.data)
    dataset.check()
    _check_network(exported, training, dataset)
    decode_for(exported.data, [training], tell, seed=exported.seed, whole=whole)
    images = len(dataset.names("train"))
    job = TrialJob(
        settings=training,
        sample=Sample(exported.data, images, exported.seed, whole),
        out=out,
        score=exported.score,
        direction=exported.direction,
        final=True,
        inference=exported.inference,
        keep_weights=True,
        resume_from=(out,),
        refuse_other_checkpoints=not overwrite,
        checkpoint_every_s=0,  # the epochs are long, and Ctrl-C loses none of them
        code=exported.own_code,
    )
    result = run_job(job, on_epoch=on_epoch, stop=stop)
    if result.status == "complete":
        assert result.weights is not None, "the job keeps them"
        source = _source(exported, train_and_val=train_and_val)
        write_model(out, result.weights, source=source, code=exported.own_code)
        write_metrics(out, exported, result, **_facts(exported, result, dataset))
    if result.status in ("complete", "diverged"):  # the others can be resumed
        remove_checkpoint(out)
    _check_memory(result, Batch.of(job.trial_settings))
    _check_end(result)
    return result


def _source(exported: Exported, *, train_and_val: bool) -> Source | None:
    """Return the trial that the configuration is of, and what the training changed of it."""
    origin, source = exported.exported_from, exported.source
    if origin is None or source is None:
        return None
    both = ("the validation images in the training too",) * train_and_val
    return source.model_copy(update={"retrained": (*origin.changes, *both)})


def _check_network(exported: Exported, training: TrainSettings, dataset: Dataset) -> None:
    """Build the network in shapes alone: scoring, which comes last, may use other sizes."""
    from searchctl.trainer.run.preflight import network_problems  # imports torch

    problems = network_problems(
        [training],
        len(dataset.class_names),
        exported.data.image_size,
        exported.inference,
        exported.data.channels,
    )
    if problems:
        raise SearchctlError(*(f"cannot train {problem}" for problem in problems))


def _check_kept_apart(training: TrainSettings, out: UPath) -> None:
    """Refuse to overwrite the initial weights of the training."""
    checkpoint = training.checkpoint
    if checkpoint is not None and UPath(checkpoint) in (out, out / WEIGHTS):
        raise SearchctlError(
            f"{out} holds the initial weights of the training: name another directory with -o"
        )


def _check_memory(result: JobResult, batch: Batch) -> None:
    if result.status != "out_of_memory":
        return
    smaller = f", or set {batch.halved()} in the configuration" if batch.batch_size > 1 else ""
    raise SearchctlError(
        f"out of memory with {batch}: the same command resumes it where more is free{smaller}: "
        f"{result.error}"
    )


def _check_end(result: JobResult) -> None:
    if result.status in ("lost", "blocked"):
        raise SearchctlError(
            f"an error of the machine ended the training after {len(result.epochs)} epochs; "
            f"the same command resumes it: {result.error}"
        )
    if result.status not in ("complete", "stopped"):
        began = result.epochs or result.status != "failed"
        what = f"the training {result.status}" if began else "no epoch was trained"
        raise SearchctlError(f"{what}: {result.error}")


def _facts(exported: Exported, result: JobResult, dataset: Dataset) -> dict[str, Any]:
    """Return what is known of our own training beside its scores."""
    return {
        "device": result.device,
        "trainable_parameters": result.trainable_parameters,
        "initial_weights": result.initial_weights,
        "classes": list(dataset.class_names),
        "normalisation": asdict(normalisation_of(exported.data)),
    }
