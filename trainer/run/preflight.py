"""Builds networks in shapes alone, so that a bad one is found before the first epoch."""

from collections.abc import Callable, Iterable

import torch
from upath import UPath

from searchctl.trainer.core.errors import SettingsError
from searchctl.trainer.evaluation.inference import scaled
from searchctl.trainer.models.base import SegmentationModel
from searchctl.trainer.models.build import build_model
from searchctl.trainer.models.finetune import freeze, training_mode
from searchctl.trainer.settings.catalog import part_named
from searchctl.trainer.settings.inference import AS_VALIDATED, Inference
from searchctl.trainer.settings.options.model_options import NETWORK
from searchctl.trainer.settings.source.own import OwnPart, is_import_path
from searchctl.trainer.settings.training import TrainSettings
from searchctl.trainer.weights.initial import load_initial_weights

_REFUSALS = (SettingsError, RuntimeError, ValueError, AssertionError, TypeError)
"""Raised by networks that cannot be built, or do not take images of a size."""
_SOME_SIZE = (131, 163)
"""Height and width, both prime: what takes them takes images of any size."""


def network_problems(
    settings: Iterable[TrainSettings],
    classes: int,
    image_size: tuple[int, int],
    inference: Inference = AS_VALIDATED,
    in_channels: int = 3,
) -> list[str]:
    """Return the problems of the networks, each distinct one built once.

    Each is built and given two images (one, at batch_size 1) on torch's meta device, which computes
    shapes alone; then images of the other sizes that it is to predict. An own network that fails
    there is built on the CPU.

    Args:
        settings: of the trials.
        classes: channels of the logits.
        image_size: height and width of the training images in pixels.
        inference: how images are predicted at their own size.
        in_channels: channels of the images.
    """
    by_kind: dict[tuple[bool, ...], list[TrainSettings]] = {}
    for each in settings:
        by_kind.setdefault((*_rates(each), each.batch_size == 1), []).append(each)
    alike = by_kind.values()
    distinct = [s for each in alike for s in _distinct(each, *NETWORK, "finetune", "dropout")]
    problems = (_problem(each, classes, in_channels, image_size, inference) for each in distinct)
    return list(dict.fromkeys(problem for problem in problems if problem))


def parameter_count(
    settings: TrainSettings, classes: int, image_size: tuple[int, int], in_channels: int = 3
) -> int:
    """Return the number of a network's parameters, which is built on the meta device.

    An own network that cannot be built there is built on the CPU.

    Raises:
        SettingsError: it cannot be built.
    """
    devices = ("meta", "cpu") if is_import_path(settings.model) else ("meta",)
    for device in devices:
        try:
            with torch.device(device), torch.random.fork_rng(devices=[]):
                model = build_model(settings, classes, in_channels, image_size)
            return sum(parameter.numel() for parameter in model.parameters())
        except (NotImplementedError, *_REFUSALS) as error:
            problem = str(error)
    raise SettingsError(f"cannot count the parameters of {_named(settings)}: {problem}")


def weights_problems(
    settings: Iterable[TrainSettings],
    classes: int,
    checkpoint: Callable[[TrainSettings], UPath | None],
    encoder: Callable[[TrainSettings], UPath | None],
    in_channels: int = 3,
) -> list[str]:
    """Return the problems of the trials' initial weights, each distinct case loaded once.

    The networks are built and filled on the CPU, one after the other.

    Args:
        settings: of the trials.
        classes: channels of the logits.
        checkpoint: returns the file with which a trial's whole network begins.
        encoder: returns the file with which its encoder begins.
        in_channels: channels of the images.
    """
    given = [each for each in settings if each.init != "scratch"]
    problems = []
    for each in _distinct(given, *NETWORK, "init", "weights"):
        try:
            with torch.random.fork_rng(devices=[]):
                model = build_model(each, classes, in_channels)
            files = {"init_from": checkpoint(each), "encoder_from": encoder(each)}
            load_initial_weights(model, each, classes, **files)
        except SettingsError as error:
            problems.append(f"{_named(each)}: {error}")
    return list(dict.fromkeys(problems))


def _distinct(settings: Iterable[TrainSettings], *names: str) -> list[TrainSettings]:
    """Return one of the settings that agree in these fields."""
    return list({repr([getattr(each, name) for name in names]): each for each in settings}.values())


def _problem(
    settings: TrainSettings,
    classes: int,
    in_channels: int,
    image_size: tuple[int, int],
    inference: Inference,
) -> str | None:
    given = (settings, classes, in_channels, image_size, inference)
    try:
        problem = _problem_on("meta", *given)
        if problem and isinstance(part_named("model", settings.model), OwnPart):
            problem = _problem_on("cpu", *given)  # it may need the values of tensors
    except NotImplementedError:
        return None  # it depends on more than shapes
    return f"{_named(settings)}: {problem}" if problem else None


def _problem_on(
    device: str,
    settings: TrainSettings,
    classes: int,
    in_channels: int,
    image_size: tuple[int, int],
    inference: Inference,
) -> str | None:
    try:
        with torch.device(device), torch.random.fork_rng(devices=[]), torch.no_grad():
            model = build_model(settings, classes, in_channels, image_size)
            freeze(model, settings.finetune)
            _check_rates(model, settings)
            training_mode(model, settings.finetune)
            model(torch.zeros(min(settings.batch_size, 2), in_channels, *image_size))
            model.eval()
            return _size_problem(model, in_channels, image_size, inference)
    except NotImplementedError:
        raise
    except _REFUSALS as error:
        return str(error)


def _check_rates(model: SegmentationModel, settings: TrainSettings) -> None:
    """Ask for the parts of the encoder whose learning rates are set.

    Raises:
        SettingsError: the network does not offer them.
    """
    scaled, by_stage = _rates(settings)
    if scaled or by_stage:
        model.part("encoder")
    if by_stage:
        model.stages()


def _rates(settings: TrainSettings) -> tuple[bool, bool]:
    """Return whether the encoder has a learning rate of its own, and each of its stages has."""
    return settings.encoder_lr_scale != 1, settings.encoder_lr_decay != 1


def _size_problem(
    model: SegmentationModel, in_channels: int, image_size: tuple[int, int], inference: Inference
) -> str | None:
    """Name the option of `inference` that gives the network images of a size it does not take."""
    fix = "use mode: sliding_window, whose windows are of image_size"
    if inference.mode == "whole" and not _takes(model, in_channels, _SOME_SIZE):
        return f"does not take images of every size, as inference.mode: whole needs: {fix}"
    if inference.mode == "resized":
        for scale in inference.scales:
            height, width = size = scaled(image_size, scale)
            if not _takes(model, in_channels, size):
                return (
                    f"does not take images of {height}x{width} pixels, which scale {scale:g} of "
                    f"inference.scales gives it: leave that out, or {fix}"
                )
    return None


def _takes(model: SegmentationModel, in_channels: int, size: tuple[int, int]) -> bool:
    """Does the network take an image of this size, padded to its smallest?"""
    sides = (max(side, model.smallest) for side in size)
    try:
        model(torch.zeros(1, in_channels, *sides))
    except _REFUSALS:
        return False
    return True


def _named(settings: TrainSettings) -> str:
    """Return the network's own settings, for people."""
    named = {name: getattr(settings, name) for name in NETWORK}
    return ", ".join(f"{name} {value}" for name, value in named.items() if value not in (None, {}))
