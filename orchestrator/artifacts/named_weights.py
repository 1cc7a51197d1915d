"""Finds the files of weights that the settings `init` and `weights` name by path or sweep."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Engine
from upath import UPath

from searchctl.orchestrator.core.errors import SearchctlError
from searchctl.orchestrator.facts.ranking import rank_trials
from searchctl.orchestrator.storage.reads import queries
from searchctl.orchestrator.storage.rows import SweepRow
from searchctl.searchspace.errors import unknown
from searchctl.trainer.core.atomic_files import file_exists
from searchctl.trainer.models.catalog import EncoderOptions
from searchctl.trainer.settings import catalog
from searchctl.trainer.settings.training import TrainSettings

_PUBLISHED = ("torchvision:", "hf:")
"""Prefixes of `init` values that name a published network."""


class WeightFile(NamedTuple):
    """A file of weights that a setting names."""

    path: UPath
    source: str
    """Description of the file, for messages."""


def checkpoint_file(reference: str, own: str, engine: Engine) -> WeightFile:
    """Find the weights that a reference after `checkpoint:` names.

    A reference with a slash is a path. NAME is the best trial of that sweep, NAME:5 its trial 5. If
    there is no sweep of that name, NAME is a path too.

    Args:
        reference: the text after `checkpoint:`.
        own: name of the sweep that uses the reference.
        engine: the database of the sweeps.

    Raises:
        SearchctlError: there is no such sweep or file, the sweep has no winner, or the trial has no
            weights.
    """
    if reference.startswith(_PUBLISHED):
        return _at(_model_file(reference))
    if "/" not in reference:
        reference, _, trial = reference.partition(":")
        sweeps = {row.name: row for row in queries.list_sweeps(engine)}
        if reference == own:
            raise SearchctlError(
                "a sweep cannot start from its own weights: name another sweep, or write a file of "
                f"this name as ./{reference}"
            )
        if reference in sweeps:
            return _of_trial(sweeps[reference], engine, trial)
        if not (is_file_name(reference) or Path(reference).is_dir()):
            problem = unknown("sweep", reference, sweeps or ["none in this database"])
            raise SearchctlError(f"{problem} (for a file, write its path: ./{reference})")
    return _at(_model_file(reference))


def encoder_file(settings: TrainSettings) -> WeightFile:
    """Find the pretrained weights of a trial's encoder: a file, one in a directory, or a download.

    Raises:
        SettingsError: the directory has none for the encoder, or it cannot be downloaded.
    """
    if settings.weights is not None and is_file_name(settings.weights):
        return _at(_absolute(settings.weights))
    from searchctl.trainer.weights.pretrained_files import pretrained_file  # imports timm

    folder = _absolute(settings.weights) if settings.weights is not None else None
    encoder = EncoderOptions.of(settings).encoder
    return _at(pretrained_file(encoder or _own_encoder(settings.model), folder))


def found_from_here(settings: TrainSettings) -> TrainSettings:
    """Return settings with absolute paths of weights. Names of sweeps are refused.

    Raises:
        SearchctlError: a file does not exist.
    """
    checkpoint = encoder = None
    if settings.checkpoint is not None:
        with error_context(settings.init):
            checkpoint = _model_file(settings.checkpoint)
            _check_exists(checkpoint, "a file (the name of a sweep needs its database)")
    if settings.weights is not None:
        with error_context(settings.weights):
            encoder = _absolute(settings.weights)
            if is_file_name(settings.weights):
                _check_exists(encoder)
    return with_files(settings, checkpoint, encoder)


def with_files(
    settings: TrainSettings, checkpoint: UPath | None, encoder: UPath | None
) -> TrainSettings:
    """Return settings that use these files of weights."""
    init = {"init": f"checkpoint:{checkpoint}"} if checkpoint else {}
    weights = {"weights": str(encoder)} if encoder else {}
    return settings.with_params(init | weights)


def is_file_name(reference: str) -> bool:
    """Return whether a reference has the suffix of a file of weights. Otherwise: a directory."""
    from searchctl.trainer.weights.files import SUFFIXES  # imports torch

    return reference.endswith(SUFFIXES)


@contextmanager
def error_context(name: str) -> Iterator[None]:
    """Add the name and the value of the setting to errors.

    Raises:
        SearchctlError: in place of every error of a file, a store or a sweep.
    """
    setting = "init" if name.startswith(("checkpoint:", "pretrained ", *_PUBLISHED)) else "weights"
    try:
        yield
    except (SearchctlError, OSError, ImportError, ValueError) as error:
        # ImportError: the package for s3:// is missing; ValueError: unknown kind of store
        raise SearchctlError(f"{setting}: {name}: {error}") from error


def _of_trial(row: SweepRow, engine: Engine, trial: str) -> WeightFile:
    if row.state == "FAIL":
        raise SearchctlError(f"sweep '{row.name}' has no winner: name another, or a file")
    if row.state != "COMPLETE":
        raise SearchctlError(
            f"sweep '{row.name}' has no winner yet ({row.shown_state}): finish it with "
            f"`searchctl resume {row.name}`, or name a file of weights"
        )
    ranked = rank_trials(engine, row, top=None if trial else 1)
    chosen = next((each for each in ranked if trial in ("", str(each.trial))), None)
    if chosen is None or not chosen.weights:
        kept = ", ".join(str(each.trial) for each in ranked if each.weights)
        raise SearchctlError(
            f"sweep '{row.name}' has no weights of a trial {trial}: it has those of {kept}"
        )
    path = UPath(chosen.weights)
    source = f"trial {chosen.trial} of sweep {row.name}, rung {chosen.rung}"
    if not file_exists(path):
        raise SearchctlError(f"the weights of {source} are missing at {path}: name another file")
    return WeightFile(path, source)


def _at(path: UPath) -> WeightFile:
    _check_exists(path)
    return WeightFile(path, str(path))


def _check_exists(path: UPath, fix: str = "the right one") -> None:
    if not file_exists(path):
        raise SearchctlError(f"there is no file {path}: name {fix}")


def _own_encoder(model: str) -> str:
    """Return the default encoder of a model. A classifier is its own encoder."""
    from inspect import signature

    if catalog.is_classifier(model):
        return model.removeprefix("timm:")
    constructor = catalog.MODELS[model].load()
    return str(signature(constructor).parameters["encoder"].default)


def _model_file(reference: str) -> UPath:
    # Imported late: both import torch.
    from searchctl.trainer.weights.files import weights_file
    from searchctl.trainer.weights.published.download import published_file

    if reference.startswith(_PUBLISHED):
        return published_file(reference)
    return weights_file(_absolute(reference))


def _absolute(reference: str) -> UPath:
    """Return an absolute path; URLs stay as they are."""
    if "://" in reference:
        return UPath(reference)
    return UPath(Path(os.path.expanduser(reference)).absolute())
