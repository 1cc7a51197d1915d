"""Everything that a job needs before its first step: images, network, loss, and its identity."""

import math
from dataclasses import dataclass

import torch

from searchctl.trainer.core.machine.memory import reset_peak
from searchctl.trainer.core.seeds import derive_seed
from searchctl.trainer.data.evaluation_batches import (
    EvaluationBatches,
    evaluation_batch_size,
    shard_of,
)
from searchctl.trainer.data.loader import (
    LoadedSplit,
    TrainingBatches,
    data_fingerprint,
    decode_ahead,
    load_sample,
    load_split,
    normalisation_of,
    sample_hash,
)
from searchctl.trainer.data.loader_threads import loader_threads
from searchctl.trainer.data.settings import Sample
from searchctl.trainer.ddp.group import SINGLE_PROCESS, ProcessGroup
from searchctl.trainer.losses.base import Loss
from searchctl.trainer.losses.build import build_loss
from searchctl.trainer.models.build import build_model
from searchctl.trainer.run.checkpoints.identity import identity_of
from searchctl.trainer.run.job import TrialJob
from searchctl.trainer.run.precision import Precision
from searchctl.trainer.run.training import Training, begin_training
from searchctl.trainer.scores.base import Score
from searchctl.trainer.scores.build import build_score
from searchctl.trainer.settings.training import TrainSettings
from searchctl.trainer.weights.initial import load_initial_weights


@dataclass(frozen=True)
class PreparedJob:
    """One trial at one rung, ready for its first step.

    `settings` and `sample` are those of its `TrialJob`, the settings with the trial's params in
    their place.
    """

    settings: TrainSettings
    sample: Sample
    score: Score
    """Ranks the trials, and selects the kept epoch."""
    recorded: tuple[Score, ...]
    """Other scores."""
    precision: Precision
    images: LoadedSplit
    """Training images."""
    validation: LoadedSplit
    validation_batches: EvaluationBatches
    """Those that this process evaluates, on the device."""
    batches: TrainingBatches
    loss: Loss
    training: Training
    initial_weights: str
    """The network's initial weights, in a sentence."""
    process_group: ProcessGroup
    """The processes that train it, this one among them."""
    identity: str
    """Hash of everything that the results depend on; a checkpoint fits jobs of the same hash."""


def prepare(
    job: TrialJob, device: torch.device, process_group: ProcessGroup = SINGLE_PROCESS
) -> PreparedJob:
    """Load the images and build the network, on its device.

    Raises:
        DataError: a file of the data set is missing or does not fit.
        FileNotFoundError: the file of initial weights that the sweep wrote is gone.
        SettingsError: the network cannot be built, or does not fit its initial weights.
    """
    settings, sample = job.trial_settings, job.sample
    job.require_initial_files()
    reset_peak(device)
    # train and val in one go
    decode_ahead(sample.data, [settings.augmentation], whole=sample.whole)
    images, validation = load_sample(sample), load_split(sample.data, "val")
    torch.manual_seed(derive_seed(sample.seed, "init", len(images.names)))
    class_names = images.dataset.class_names
    classes = len(class_names)
    model = build_model(settings, classes, sample.data.channels, sample.data.image_size)
    started = load_initial_weights(
        model, settings, classes, init_from=job.init_from, encoder_from=job.encoder_from
    )
    precision = Precision(settings, device, normalisation_of(sample.data))
    batches = TrainingBatches(
        images,
        batch_size=settings.batch_size,
        augment=settings.augmentation,
        seed=sample.seed,
        workers=loader_threads(settings, device, process_group.size),
        # mixup needs the whole batch in each process: see Mixing
        process_group=SINGLE_PROCESS if settings.mixup or settings.cutmix else process_group,
    )
    return PreparedJob(
        settings,
        sample,
        build_score(job.score, class_names, job.direction),
        tuple(build_score(each, class_names, "max") for each in job.recorded),
        precision,
        images,
        validation,
        _validation_batches(settings, validation, device, process_group),
        batches,
        loss=_loss(settings, images, process_group).to(device),
        training=begin_training(
            precision.place(model),
            settings,
            steps=math.ceil(len(batches) / settings.accumulate),
            higher_is_better=job.higher_is_better,
            process_group=process_group,
        ),
        process_group=process_group,
        initial_weights=started.text,
        identity=identity_of(
            settings,
            sample,
            score=job.score,
            direction=job.direction,
            recorded=job.recorded,
            sample_hash=sample_hash(images.names),
            data_fingerprint=data_fingerprint(sample.data),
            init_from=started.sha256,
            network=model.state_dict(),
            code=job.code.hash if job.code else None,
        ),
    )


def _validation_batches(
    settings: TrainSettings,
    validation: LoadedSplit,
    device: torch.device,
    process_group: ProcessGroup,
) -> EvaluationBatches:
    size = evaluation_batch_size(settings.batch_size, device, processes=process_group.size)
    return EvaluationBatches(shard_of(validation, process_group), size, device, keep=True)


def _loss(settings: TrainSettings, images: LoadedSplit, process_group: ProcessGroup) -> Loss:
    loss = build_loss(
        settings,
        ignore_index=images.dataset.ignore_index,
        pixel_counts=torch.from_numpy(images.trained_pixels(settings.augmentation)),
    )
    loss.total, loss.gather = process_group.all_reduce_sum, process_group.all_gather_batch
    return loss
