"""Measures the speed of a sweep's configurations on this machine; imports torch."""

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from itertools import count
from tempfile import TemporaryDirectory

import torch
from torch.utils.flop_counter import FlopCounterMode
from upath import UPath

from searchctl.orchestrator.config.dataset import checked_dataset
from searchctl.orchestrator.config.sweep import Sweep
from searchctl.orchestrator.core.errors import SearchctlError
from searchctl.orchestrator.facts.sweeps import assignments
from searchctl.orchestrator.planning.probing.batch_timer import BatchTimer
from searchctl.orchestrator.planning.probing.probed import Probe, Probed, Sizes, Speed
from searchctl.orchestrator.planning.probing.speed_classes import SpeedClass, speed_classes
from searchctl.trainer.core.errors import SettingsError
from searchctl.trainer.core.machine.memory import peak_bytes, smallest_gpu_bytes
from searchctl.trainer.core.stopping import Stop, Stopped
from searchctl.trainer.data.evaluation_batches import evaluation_batch_size
from searchctl.trainer.data.loader import data_fingerprint, load_sample, load_split
from searchctl.trainer.data.settings import DataSettings, Sample
from searchctl.trainer.evaluation.evaluate import evaluate, evaluate_original
from searchctl.trainer.models.build import build_model
from searchctl.trainer.models.finetune import training_mode
from searchctl.trainer.optim.mixup import Mixup
from searchctl.trainer.run.checkpoints.file import FILE, Checkpoint, write_checkpoint
from searchctl.trainer.run.job import TrialJob
from searchctl.trainer.run.loop import train_epoch
from searchctl.trainer.run.preparation import PreparedJob, prepare
from searchctl.trainer.run.torch_state import choose_device, describe, own_torch_state
from searchctl.trainer.settings.batch import Batch
from searchctl.trainer.settings.inference import Inference
from searchctl.trainer.settings.options.model_options import OPTIONS
from searchctl.trainer.settings.training import TrainSettings
from searchctl.trainer.weights.files import save_weights

PROBED = 8
"""Maximum number of measured configurations."""
SECONDS = 24.0
"""Approximate measuring time of all configurations, without warm-up."""
LONGEST = 6.0
"""Maximum measuring time of one configuration in seconds."""
_SHARES = {"train": 0.6, "score": 0.2, "score_original": 0.2}
"""Fractions of a configuration's measuring time."""


def probe(sweep: Sweep, tell: Callable[[str], None] = lambda line: None) -> Probe:
    """Measure the configurations of a sweep that differ in speed.

    Each configuration is trained for a few seconds by the real training loop on all of the data,
    with loading and augmentation. Then it scores validation images at both sizes. If there are more
    than `PROBED` configurations, a selection at even steps of their networks' FLOPs is measured.
    The data set is decoded first if needed.

    Args:
        sweep: the sweep.
        tell: prints a line for the user about the current step.

    Raises:
        SearchctlError: a required GPU is missing, or a configuration fails on this machine.
        DataError: a file of the data set is missing or does not fit.
    """
    device = _device(sweep)
    dataset = checked_dataset(sweep)
    sizes = Sizes(*(len(dataset.names(split)) for split in ("train", "val", "test")))
    classes = speed_classes(sweep)
    chosen = list(range(len(classes)))
    if len(classes) > PROBED:
        tell(f"counting the FLOPs of {len(classes)} configurations")
        classes = _by_flops(classes, len(dataset.class_names), sweep.data)
        chosen = evenly(len(classes), PROBED)
    sample = Sample(sweep.data, sizes.train, sweep.seed)
    _load(sample)
    seconds = min(LONGEST, SECONDS / len(chosen))
    speeds: dict[int, tuple[Speed, Batch | None]] = {}
    for place in chosen:
        tell(f"timing {_named(classes[place])}")
        speeds[place] = _measured(classes[place], sample, sweep.inference, device, seconds)
    probed = (
        _probed(each, *speeds[_nearest(place, chosen)], measured=place in speeds)
        for place, each in enumerate(classes)
    )
    threads = sweep.recipe.threads or torch.get_num_threads()
    return Probe(describe(device), threads, sizes, tuple(probed), smallest_gpu_bytes(device))


def _probed(each: SpeedClass, speed: Speed, batch: Batch | None, *, measured: bool) -> Probed:
    return Probed(each.params, each.trials, speed, measured, batch if measured else None)


def evenly(count: int, chosen: int) -> list[int]:
    """Return `chosen` indices among 0 .. count - 1 at even steps, including both ends.

    >>> evenly(20, 3)
    [0, 10, 19]
    """
    return [round(step * (count - 1) / (chosen - 1)) for step in range(chosen)]


def _nearest(place: int, chosen: Sequence[int]) -> int:
    return min(chosen, key=lambda other: abs(other - place))


def _device(sweep: Sweep) -> torch.device:
    device = choose_device(None if sweep.resources.gpus_per_trial else "cpu")
    if sweep.resources.gpus_per_trial and device.type == "cpu":
        raise SearchctlError(
            "resources.gpus_per_trial requests GPUs, but this machine has none: probe on the "
            "machine where the trials will run"
        )
    return device


def _load(sample: Sample) -> None:
    """Load the data once, as a worker does, so that it is not counted for a configuration."""
    load_sample(sample)
    load_split(sample.data, "val")
    data_fingerprint(sample.data)


def _by_flops(classes: Sequence[SpeedClass], channels: int, data: DataSettings) -> list[SpeedClass]:
    known: dict[str, int] = {}

    def flops(each: SpeedClass) -> int:
        network = repr([getattr(each.settings, n) for n in ("model", "model_args", *OPTIONS)])
        if network not in known:
            known[network] = _flops(each.settings, channels, data)
        return known[network]

    return sorted(classes, key=flops)


def _flops(settings: TrainSettings, channels: int, data: DataSettings) -> int:
    """Count the FLOPs of a network for one image."""
    try:
        # The meta device only computes shapes, so this takes no time and no memory.
        return _counted(settings, channels, data, "meta")
    # the network needs the values of tensors, or is the user's own and takes no tensors without
    except (NotImplementedError, SettingsError):
        return _counted(settings, channels, data, "cpu")


def _counted(settings: TrainSettings, channels: int, data: DataSettings, device: str) -> int:
    with torch.no_grad(), torch.random.fork_rng([]), torch.device(device):
        model = build_model(settings, channels, data.channels, data.image_size).eval()
        with FlopCounterMode(display=False) as counter:
            model(torch.zeros(1, data.channels, *data.image_size))
    return int(counter.get_total_flops())


def _measured(
    each: SpeedClass, sample: Sample, inference: Inference, device: torch.device, seconds: float
) -> tuple[Speed, Batch | None]:
    """Return the speed, and the batch that was measured if that of the settings does not fit."""
    # These settings do not change the speed. Their values exclude divergence, a schedule that is
    # too short, and missing files of weights.
    harmless = {"lr": 1e-9, "lr_schedule": "constant", "lr_warmup": 0, "init": "scratch"}
    settings = each.settings.model_copy(update={**harmless, "weights": None})
    try:
        with own_torch_state(settings, device):
            return _with_a_batch_that_fits(settings, sample, inference, device, seconds)
    except (MemoryError, RuntimeError, ValueError, SettingsError) as error:
        first = str(error).splitlines()[0]
        raise SearchctlError(f"{_named(each)} fails on this machine: {first}") from error
    finally:
        if device.type == "cuda":
            torch.cuda.empty_cache()


def _with_a_batch_that_fits(
    settings: TrainSettings,
    sample: Sample,
    inference: Inference,
    device: torch.device,
    seconds: float,
) -> tuple[Speed, Batch | None]:
    """Measure with the batch of the settings, or the largest of its halves that fits."""
    batch = usual = Batch.of(settings)
    while True:
        try:
            speed = _speed(batch.within(settings), sample, inference, device, seconds)
            return speed, None if batch == usual else batch
        except torch.OutOfMemoryError:
            if batch.batch_size == 1:
                raise
        batch = batch.halved()


def _speed(
    settings: TrainSettings,
    sample: Sample,
    inference: Inference,
    device: torch.device,
    seconds: float,
) -> Speed:
    # nothing is written to the directory
    asked = TrialJob(settings=settings, sample=sample, score="val_loss", out=UPath("."))
    began = time.perf_counter()
    job = prepare(asked, device)
    start = time.perf_counter() - began
    scored = _batch_sizes(len(job.validation.names), _evaluation_batch_size(job))
    original = scored if inference.as_validated else [1]
    of_each_epoch = partial(evaluate, batches=job.validation_batches)
    at_original = partial(evaluate_original, inference=inference)
    loops = {
        "train": (partial(_train, job), job.batches.sizes),
        "score": (partial(_score, job, of_each_epoch), scored),
        "score_original": (partial(_score, job, at_original), original),
    }
    spans = {}
    for name, (loop, sizes) in loops.items():
        batch_timer = BatchTimer(sizes, seconds * _SHARES[name], partial(_settle, device))
        with suppress(Stopped):
            loop(batch_timer)
        spans[name] = batch_timer.seconds_per_image
    checkpoint_bytes, weights_bytes = _files(job)
    return Speed(
        **spans,
        start=start,
        checkpoint_bytes=checkpoint_bytes,
        weights_bytes=weights_bytes,
        peak_bytes=peak_bytes(device),
    )


def _train(job: PreparedJob, stop: Stop) -> None:
    """Train for ever, as loop.py does."""
    training_mode(job.training.model, job.settings.finetune)
    mixing = Mixup(job.settings, seed=job.sample.seed, images=len(job.images.names))
    for epoch in count(1):
        train_epoch(
            job.training, job.batches, epoch, job.loss, job.settings, job.precision, stop, mixing
        )


def _score(job: PreparedJob, how: Callable[..., object], stop: Stop) -> None:
    model, size = job.training.scored_model, _evaluation_batch_size(job)
    while True:
        how(model, job.validation, job.precision, batch_size=size, stop=stop)


def _evaluation_batch_size(job: PreparedJob) -> int:
    return evaluation_batch_size(job.settings.batch_size, job.precision.device)


def _files(job: PreparedJob) -> tuple[int, int]:
    """Return the bytes of a checkpoint, and those of a network's weights."""
    with TemporaryDirectory() as folder:
        out = UPath(folder)
        save_weights(job.training.scored_model.state_dict(), out / "model.safetensors")
        weights = (out / "model.safetensors").stat().st_size
        write_checkpoint(out, Checkpoint(job.identity, 1, 0.0, job.training.state_dict()))
        best = weights if job.settings.epochs > 1 else 0  # of an epoch that is not the last
        return (out / FILE).stat().st_size + best, weights


def _batch_sizes(images: int, batch: int) -> list[int]:
    full, rest = divmod(images, batch)
    return [batch] * full + [rest] * bool(rest)


def _settle(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _named(each: SpeedClass) -> str:
    return assignments(each.params) or f"model={each.settings.model}"
