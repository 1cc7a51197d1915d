"""Finds the pretrained weights of an encoder: a file, a file in a directory, or a download."""

import difflib

from upath import UPath

from searchctl.trainer.core.atomic_files import file_exists
from searchctl.trainer.core.errors import SettingsError
from searchctl.trainer.models.timm.library import timm
from searchctl.trainer.models.timm.mix_transformer import MIX_TRANSFORMERS
from searchctl.trainer.models.timm.network import TimmNetwork
from searchctl.trainer.weights.files import PICKLED, SUFFIXES
from searchctl.trainer.weights.hub import hub_file

_HUB_FILE = "model.safetensors"
_ALL, _OTHERS = (f"{', '.join(each[:-1])} or {each[-1]}" for each in (SUFFIXES, PICKLED))


def pretrained_file(encoder: str, weights: UPath | None) -> UPath:
    """Return the file with an encoder's pretrained weights.

    Args:
        encoder: name in the settings. timm's name may have a tag; without one, timm's default tag
            is used.
        weights: the file itself, or a directory with a file named after the encoder, with or
            without the tag. None means timm's weights from the cache of the Hugging Face hub; they
            are downloaded if they are not there.

    Raises:
        SettingsError: there is no such file, or it cannot be downloaded. The message says which
            file to put where.
        OSError: the disk or the store does not respond.
    """
    if weights is None:
        return _downloaded(encoder)
    return weights if weights.suffix in SUFFIXES else _in_directory(weights, encoder)


def name_in_settings(encoder: TimmNetwork) -> str:
    """Return an encoder's name in the settings; timm's name may differ."""
    for name, (in_timm, options) in MIX_TRANSFORMERS.items():
        if encoder.name == in_timm and options.items() <= encoder.options.items():
            return name
    return encoder.name


def full_name(encoder: str) -> str:
    """Return timm's name with the tag of the weights.

    >>> full_name("convnext_tiny")
    'convnext_tiny.in12k_ft_in1k'
    """
    config = timm.models.get_pretrained_cfg(encoder)
    return f"{config.architecture}.{config.tag}" if config and config.tag else encoder


def _in_directory(folder: UPath, encoder: str) -> UPath:
    names = dict.fromkeys((encoder, encoder.partition(".")[0], full_name(encoder)))
    files = [folder / f"{name}{suffix}" for name in names for suffix in SUFFIXES]
    for file in files:
        if file_exists(file):
            return file
    if folder.is_dir():
        raise SettingsError(
            f"weights: {folder} has no {files[0].name}, nor the encoder as {_OTHERS}"
        )
    raise SettingsError(
        f"weights: {folder} is not a {_ALL} file, nor a directory that has {files[0].name}"
    )


def _downloaded(encoder: str) -> UPath:
    config = timm.models.get_pretrained_cfg(encoder)
    if not (config and config.has_weights):
        raise SettingsError(_without_weights(encoder))
    if not config.hf_hub_id:
        raise SettingsError(f"download {config.url}, and {_put(encoder)}")
    return hub_file(config.hf_hub_id, [config.hf_hub_filename or _HUB_FILE], _put(encoder))


def _put(encoder: str) -> str:
    return f"set weights: to that file, or to a directory that has it as {encoder}.safetensors"


def _without_weights(encoder: str) -> str:
    close = difflib.get_close_matches(encoder, timm.list_models(pretrained=True))
    if encoder in MIX_TRANSFORMERS:
        close = [MIX_TRANSFORMERS[encoder][0]]
    hint = f", such as {' or '.join(close)}" if close else ""
    return (
        f"timm has no pretrained weights of the encoder {encoder}: use one that has them{hint}, "
        "init: scratch, or your own file (weights: FILE)"
    )
