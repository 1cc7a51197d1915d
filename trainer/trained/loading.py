"""Loads a trained network from its file."""

import sys
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

import safetensors.torch
from pydantic import ValidationError
from upath import UPath

from searchctl.trainer.core.errors import SettingsError
from searchctl.trainer.models.build import build_model
from searchctl.trainer.own_code.files import OwnCode
from searchctl.trainer.own_code.imports import use_code
from searchctl.trainer.run.precision import Precision
from searchctl.trainer.run.torch_state import choose_device
from searchctl.trainer.settings.inference import Inference
from searchctl.trainer.trained.description import Description, described
from searchctl.trainer.trained.header import metadata_of, read_model_file
from searchctl.trainer.trained.model import TrainedModel
from searchctl.trainer.weights.files import as_settings_error, weights_file


def load_model(
    path: "str | PathLike[str]",
    *,
    device: str | None = None,
    code: "str | PathLike[str] | None" = None,
    inference: Mapping[str, Any] | None = None,
) -> TrainedModel:
    """Load a network that searchctl trained, ready to predict.

    Nothing in the file is executed. A network of your own is built by your code, which is imported
    only if `code` names its directory.

    Args:
        path: of model.safetensors, or of the directory that holds it; an s3:// URL too.
        device: 'cpu', 'cuda' or 'cuda:1'; the GPU if there is one, by default.
        code: directory of the network's own code, such as `code` beside the file.
        inference: settings of `inference:` in place of those that it was scored with, such as
            {'mode': 'sliding_window'}.

    Raises:
        SettingsError: there is no such file, it does not say what it is, or its network cannot be
            built here.
        CodeError: a file of the own code is missing, or is not the one that it was trained with.
    """
    file = weights_file(UPath(path))
    content = read_model_file(file)
    description = described(metadata_of(content, file), file)
    if inference:
        changed = changed_inference(description.inference, inference)
        description = description.model_copy(update={"inference": changed})
    _import_code(description, code, file)
    settings, where = description.settings, choose_device(device)
    images = description.images
    network = build_model(
        settings, len(description.classes.names), images.channels, images.image_size
    )
    with as_settings_error(f"the weights in {file} do not fit their network"):
        network.load_state_dict(safetensors.torch.load(content))
    precision = Precision(settings, where, images.normalisation)
    return TrainedModel(description, precision.place(network).eval(), precision)


def changed_inference(before: Inference, changes: Mapping[str, Any]) -> Inference:
    """Return inference settings with changes; another mode has its own overlap.

    Raises:
        SettingsError: a change is no such setting, or does not go with the others.
    """
    stored = before.model_dump()
    if changes.get("mode", before.mode) != "sliding_window":
        stored["overlap"] = None
    try:
        return Inference.model_validate({**stored, **changes})
    except ValidationError as error:
        said = "; ".join(each["msg"].removeprefix("Value error, ") for each in error.errors())
        raise SettingsError(f"inference: {said}") from error


def _import_code(
    description: Description, folder: "str | PathLike[str] | None", file: UPath
) -> None:
    """Make the network's own code importable.

    Raises:
        SettingsError: no directory of it is given.
        CodeError: a file of it is missing or differs.
    """
    needed = description.code
    if needed is None:
        return
    if folder is None:
        names = ", ".join(needed.files) or "the module"
        raise SettingsError(
            f"{file} is a network of your own, {', '.join(needed.parts)}, which is built by code "
            f"that is not in the file: name the directory of {names} as `code` (--code), if you "
            "trust it: it is executed"
        )
    if needed.files:
        use_code(OwnCode(UPath(folder), tuple(needed.files.items())))
    elif str(Path(folder).absolute()) not in sys.path:
        sys.path.insert(0, str(Path(folder).absolute()))
