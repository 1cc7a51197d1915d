"""Pipelines as `albumentations.save` writes them, in the form that a sweep.yaml has them in."""

from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

from searchctl.trainer.settings.pipelines.transforms import transforms
from searchctl.trainer.settings.pipelines.tree import INNER

_CLASS = "__class_fullname__"
_DEFAULTS: Mapping[str, list[object]] = {
    "bbox_params": [None],
    "keypoint_params": [None],
    "additional_targets": [None, {}],
    "is_check_shapes": [True, False],
    "strict": [True, False],
    "seed": [None],
    "save_applied_params": [False],
    "mask_interpolation": [None, 0],
}
"""Arguments that are saved, and the values that change nothing here."""


def is_saved(content: Mapping[str, Any]) -> bool:
    """Is it the content of a file of `albumentations.save`?"""
    return isinstance(content.get("transform"), Mapping)


def from_saved(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return the pipeline of such a file; nothing of it is imported or run.

    albumentations saves defaults too. A saved `fill_mask: 0` counts as one, where 0 is the default:
    what lies beyond an image is then ignored, not of class 0.

    Raises:
        ValueError: it is of another major version, or of a class that is not albumentations'.
    """
    saved_by, ours = str(content.get("__version__", "")), version("albumentations")
    if saved_by.split(".")[0] != ours.split(".")[0]:
        raise ValueError(
            f"was saved by albumentations {saved_by or 'of an unknown version'}, and {ours} is "
            "installed, in which transforms mean something else: save it again"
        )
    return _step(content["transform"])


def _step(saved: object) -> dict[str, Any]:
    if not isinstance(saved, Mapping) or not isinstance(saved.get(_CLASS), str):
        raise ValueError(f"holds a transform without its {_CLASS}")
    name = _short(saved[_CLASS])
    arguments = {
        key: value
        for key, value in saved.items()
        if key not in (_CLASS, INNER) and not _is_default(name, key, value)
    }
    if INNER in saved:
        return {name: {**arguments, INNER: [_step(each) for each in saved[INNER] or ()]}}
    return {name: arguments}


def _short(full_name: str) -> str:
    if full_name.startswith("albumentations."):
        return full_name.rpartition(".")[2]
    if "." in full_name:
        raise ValueError(f"holds {full_name}, which is none of albumentations' transforms")
    return full_name


def _is_default(name: str, argument: str, value: object) -> bool:
    known = transforms().get(name)
    if argument == "fill_mask":
        return known is not None and known.pads_mask and value == 0
    return value in _DEFAULTS.get(argument, [])
