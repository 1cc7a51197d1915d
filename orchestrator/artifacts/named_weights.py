"""Finds the files of weights that `init` and `weights` name: by a path, or by a sweep's name."""

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
from searchctl.trainer.core.atomic_files import file_exists
from searchctl.trainer.settings import catalog
from searchctl.trainer.settings.training import TrainSettings

_PUBLISHED = ("torchvision:", "hf:")
"""What `init` begins with where it names a published network."""


class Named(NamedTuple):
    """A file that a setting names."""

    path: UPath
    source: str
    """What it is, for people."""


def checkpoint_file(reference: str, own: str, engine: Engine) -> Named:
    """Find what follows `checkpoint:`: weights of a sweep's best trial, of another, or a file.

    What has a slash is a path. Without one, the sweep of that name comes first; NAME:5 is its
    trial 5.

    Args:
        reference: as it is written.
        own: name of the sweep that begins with it.
        engine: the database whose sweeps are meant.

    Raises:
        SearchctlError: there is neither, the sweep has no winner, or the trial no weights.
    """
    if reference.startswith(_PUBLISHED):
        return _at(_model_file(reference))
    if "/" not in reference:
        reference, _, trial = reference.partition(":")
        sweeps = {row.name: row for row in queries.list_sweeps(engine)}
        if reference == own:
            raise SearchctlError(
                "a sweep cannot begin with its own weights: name another one, or write a file of "
                f"that name as ./{reference}"
            )
        if reference in sweeps:
            return _of_trial(sweeps[reference], engine, trial)
        if not (is_file_name(reference) or Path(reference).is_dir()):
            unknown = catalog.unknown("sweep", reference, sweeps or ["none in this database"])
            raise SearchctlError(f"{unknown}; a file is named by its path, ./{reference}")
    return _at(_model_file(reference))


def encoder_file(settings: TrainSettings) -> Named:
    """Find the pretrained weights of a trial's encoder: a file, one in a directory, or a download.

    Raises:
        SettingsError: the directory has none for the encoder, or it cannot be downloaded.
    """
    if settings.weights is not None and is_file_name(settings.weights):
        return _at(_place(settings.weights))
    from searchctl.trainer.weights.pretrained_files import pretrained_file  # imports timm

    folder = _place(settings.weights) if settings.weights is not None else None
    return _at(pretrained_file(settings.encoder or _own_encoder(settings.model), folder))


def found_from_here(settings: TrainSettings) -> TrainSettings:
    """Return settings that name their files by absolute paths; without a database, by paths alone.

    Raises:
        SearchctlError: there is no such file.
    """
    checkpoint = encoder = None
    if settings.checkpoint is not None:
        with blaming(settings.init):
            checkpoint = _model_file(settings.checkpoint)
            _check_there(checkpoint, "a file (a sweep's name means nothing without its database)")
    if settings.weights is not None:
        with blaming(settings.weights):
            encoder = _place(settings.weights)
            if is_file_name(settings.weights):
                _check_there(encoder)
    return naming(settings, checkpoint, encoder)


def naming(
    settings: TrainSettings, checkpoint: UPath | None, encoder: UPath | None
) -> TrainSettings:
    """Return settings that name these files in place of those that they name."""
    init = {"init": f"checkpoint:{checkpoint}"} if checkpoint else {}
    weights = {"weights": str(encoder)} if encoder else {}
    return settings.with_params(init | weights)


def is_file_name(reference: str) -> bool:
    """Does it end like a file of weights, and is no directory of them then?"""
    from searchctl.trainer.weights.files import SUFFIXES  # imports torch

    return reference.endswith(SUFFIXES)


@contextmanager
def blaming(name: str) -> Iterator[None]:
    """Say which setting an error is about.

    Raises:
        SearchctlError: in place of every error of a file, a store or a sweep.
    """
    setting = "init" if name.startswith(("checkpoint:", "pretrained ", *_PUBLISHED)) else "weights"
    try:
        yield
    except (SearchctlError, OSError, ImportError, ValueError) as error:
        # ImportError: the package for s3:// is missing; ValueError: there is no such store
        raise SearchctlError(f"{setting}: {name}: {error}") from error


def _of_trial(row: SweepRow, engine: Engine, trial: str) -> Named:
    if row.state == "FAIL":
        raise SearchctlError(f"sweep '{row.name}' has no winner: name another, or a file")
    if row.state != "COMPLETE":
        raise SearchctlError(
            f"sweep '{row.name}' has no winner yet ({row.shown_state}): bring it to its end "
            f"(`searchctl resume {row.name}`), or name a file of weights"
        )
    ranked = rank_trials(engine, row, top=None if trial else 1)
    chosen = next((each for each in ranked if trial in ("", str(each.trial))), None)
    if chosen is None or not chosen.weights:
        kept = ", ".join(str(each.trial) for each in ranked if each.weights)
        raise SearchctlError(f"sweep '{row.name}' has no weights of a trial {trial} (of {kept})")
    path = UPath(chosen.weights)
    source = f"trial {chosen.trial} of sweep {row.name}, rung {chosen.rung}"
    if not file_exists(path):
        raise SearchctlError(f"the weights of {source} are gone from {path}: name a file of them")
    return Named(path, source)


def _at(path: UPath) -> Named:
    _check_there(path)
    return Named(path, str(path))


def _check_there(path: UPath, fix: str = "the right one") -> None:
    if not file_exists(path):
        raise SearchctlError(f"there is no file {path}: name {fix}")


def _own_encoder(model: str) -> str:
    """Return the encoder that a model has if none is named; a classifier is one itself."""
    from inspect import signature

    if catalog.is_classifier(model):
        return model.removeprefix("timm:")
    constructor = catalog.load_object(catalog.MODELS[model].where)
    return str(signature(constructor).parameters["encoder"].default)


def _model_file(reference: str) -> UPath:
    # both import torch
    from searchctl.trainer.weights.files import weights_file
    from searchctl.trainer.weights.published.download import published_file

    if reference.startswith(_PUBLISHED):
        return published_file(reference)
    return weights_file(_place(reference))


def _place(reference: str) -> UPath:
    """Return where a path leads from the current directory."""
    if "://" in reference:
        return UPath(reference)
    return UPath(Path(os.path.expanduser(reference)).absolute())
