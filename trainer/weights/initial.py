"""Loads initial weights: none (scratch), a pretrained encoder, or a checkpoint."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor
from upath import UPath

from searchctl.trainer.core.errors import SettingsError, first_few
from searchctl.trainer.models.base import SegmentationModel
from searchctl.trainer.settings.training import TrainSettings
from searchctl.trainer.weights.files import load_weights, weights_file
from searchctl.trainer.weights.published import recognised

_CLASSIFIERS = ("classifier.", "aux_classifier.")
_AUXILIARY = ("aux_decoder.", "aux_classifier.")
_DIGITS = 12

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class InitialWeights:
    """The initial weights of a network."""

    text: str
    """Description in one sentence."""
    sha256: str | None = None
    """SHA-256 of the file, so that a moved file counts as the same one; None for scratch."""


def load_initial_weights(
    model: SegmentationModel,
    settings: TrainSettings,
    classes: int,
    *,
    init_from: UPath | None = None,
    encoder_from: UPath | None = None,
) -> InitialWeights:
    """Replace the weights of a fresh network by its initial weights.

    The state of torch's random generator does not change. So the weights that are not replaced, and
    all later random numbers, are the same as without initial weights.

    Args:
        model: network on the CPU, with fresh weights from the sweep's seed.
        settings: settings of the trial; `init` and `weights` select the initial weights.
        classes: channels of the logits.
        init_from: weights of the whole network; overrides `init`.
        encoder_from: file with pretrained weights; overrides `weights` and a download.

    Raises:
        SettingsError: the weights are missing, damaged, or of another network.
        OSError: the disk or the store does not respond.
    """
    if init_from is None and settings.checkpoint is not None:
        init_from = UPath(settings.checkpoint)
    if init_from is not None:
        started = _from_checkpoint(model, settings.model, init_from, classes)
    elif settings.init == "pretrained":
        started = _from_pretrained(model, settings, encoder_from)
    else:
        started = InitialWeights("scratch")
    log.info("initial weights: %s", started.text)
    return started


def _from_pretrained(
    model: SegmentationModel, settings: TrainSettings, encoder_from: UPath | None
) -> InitialWeights:
    # imported here, since timm takes seconds to import and most jobs do not need it
    from searchctl.trainer.models.timm.network import TimmNetwork
    from searchctl.trainer.weights.pretrained import load_encoder_weights
    from searchctl.trainer.weights.pretrained_files import (
        full_name,
        name_in_settings,
        pretrained_file,
    )

    given = encoder_from or (UPath(settings.weights) if settings.weights else None)
    texts, hashes = [], []
    for encoder in (part for part in model.modules() if isinstance(part, TimmNetwork)):
        name = name_in_settings(encoder)
        file = pretrained_file(name, given)
        weights = load_weights(file)
        problem = f"init: pretrained: {file} does not match the encoder {name}"
        count = load_encoder_weights(encoder, weights.tensors, problem)
        what = f"all {count} tensors of the encoder"
        if extra := model.load_pretrained_extra(weights.tensors):
            what = f"{what} and {extra} of the decoder"
        source = f"{name} from {file}" if given else full_name(name)
        texts.append(f"{source}: {what} {_short(weights.sha256)}")
        hashes.append(weights.sha256)
    if not texts:
        raise SettingsError(f"init: pretrained: there are no weights for {settings.model}")
    return InitialWeights(f"pretrained {'; '.join(texts)}", ",".join(hashes))


def _from_checkpoint(
    model: SegmentationModel, name: str, path: UPath, classes: int
) -> InitialWeights:
    """Load a checkpoint; its classifier is left out if it has another number of classes."""
    file = weights_file(path)
    weights = load_weights(file)
    text = f"checkpoint {file} {_short(weights.sha256)}"
    renamed, notes = _by_our_names(model, name, weights.tensors, file)
    tensors, there = _without_other_classes(model, renamed, classes)
    if there is not None:
        notes.append(f"without its classifier: {there} classes there, {classes} here")
    differences = _differences(model.state_dict(), tensors)
    if differences:
        raise SettingsError(
            f"the checkpoint {file} is of another network: {first_few(differences)}; set model, "
            "encoder, width and the model's other options as they were when it was trained"
        )
    model.load_state_dict(tensors)
    return InitialWeights(", ".join([text, *notes]), weights.sha256)


def _by_our_names(
    model: SegmentationModel, name: str, tensors: Mapping[str, Tensor], file: UPath
) -> tuple[dict[str, Tensor], list[str]]:
    """Return a state dict by the names of our network, and what to say of its origin.

    Raises:
        SettingsError: it is of a published network that `model` does not name.
    """
    published = recognised(tensors)
    if published is None:
        return dict(tensors), []
    if not published.fits(name):
        raise SettingsError(
            f"the checkpoint {file} holds {published.title}, and model is {name}: set model: "
            f"{published.setting}, and its encoder and width as they were when it was trained"
        )
    own = model.state_dict()
    ours = {n: _as_convolution(t, own.get(n)) for n, t in published.renamed(tensors).items()}
    auxiliary = [each for each in ours if each.startswith(_AUXILIARY) and each not in own]
    has_none = not any(each.startswith(_AUXILIARY) for each in own)
    notes = [published.title]
    if auxiliary and has_none:
        ours = {each: tensor for each, tensor in ours.items() if each not in auxiliary}
        notes.append("without its auxiliary head")
    return ours, notes


def _as_convolution(tensor: Tensor, own: Tensor | None) -> Tensor:
    """Return a matrix as the 1x1 convolution that it is in our network."""
    matrix = tensor.ndim == 2 and own is not None and own.shape == (*tensor.shape, 1, 1)
    return tensor[:, :, None, None] if matrix else tensor


def _without_other_classes(
    model: SegmentationModel, tensors: Mapping[str, Tensor], classes: int
) -> tuple[Mapping[str, Tensor], int | None]:
    """Return a checkpoint's tensors, with the model's own classifier if the classes differ.

    The second value is the checkpoint's number of classes if it differs, else None. A classifier
    may have several layers. They are kept or replaced together, with those of an auxiliary head.
    """
    own = {
        name: each
        for name, each in model.state_dict().items()
        if name.startswith(_CLASSIFIERS) and name in tensors
    }
    pairs = (_other_sizes(each.shape, tensors[name].shape) for name, each in own.items())
    # only the number of classes may differ; any other difference is another network
    differing = set().union(*pairs)
    if {here for here, _ in differing} != {classes} or len(differing) > 1:
        return tensors, None
    [(_, there)] = differing
    return {**tensors, **own}, there


def _other_sizes(here: torch.Size, there: torch.Size) -> set[tuple[int, int]]:
    """Return (here, there) for each dimension in which two shapes differ."""
    if len(here) != len(there):
        return {(0, 0)}  # matches no number of classes
    return {pair for pair in zip(here, there, strict=True) if pair[0] != pair[1]}


def _differences(own: Mapping[str, Tensor], tensors: Mapping[str, Tensor]) -> list[str]:
    shapes = [
        f"{name} is {list(tensors[name].shape)} there and {list(each.shape)} here"
        for name, each in own.items()
        if name in tensors and tensors[name].shape != each.shape
    ]
    here = [f"{name} is only here" for name in own if name not in tensors]
    there = [f"{name} is only there" for name in sorted(tensors.keys() - own.keys())]
    return shapes + here + there


def _short(sha256: str) -> str:
    return f"(sha256 {sha256[:_DIGITS]})"
