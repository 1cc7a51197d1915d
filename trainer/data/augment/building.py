"""Builds pipelines of albumentations, which is imported with the first one: it costs seconds."""

import warnings
from collections.abc import Iterator, Mapping
from typing import Any

import cv2
from pydantic import ValidationError

from searchctl.trainer.core.errors import SettingsError
from searchctl.trainer.settings.pipelines.transforms import transforms
from searchctl.trainer.settings.pipelines.tree import INNER, Step, read


def built_pipeline(pipeline: Mapping[str, Any], ignore_index: int) -> Any:
    """Return the `albumentations.Compose` of a pipeline that `pipeline_problems` finds valid.

    What lies beyond an image has the ignored label, wherever the pipeline does not say otherwise.

    Raises:
        SettingsError: a transform refuses its arguments; both are named.
    """
    (top,) = read(pipeline).steps
    return _built(top, ignore_index)


def failed_transform(error: BaseException) -> str:
    """Return the name of the transform that raised an error."""
    import albumentations as A

    raised_in = [frame.get("self") for frame in _frames(error)]
    names = [type(each).__name__ for each in raised_in if isinstance(each, A.BasicTransform)]
    return names[-1] if names else "Compose"


def _frames(error: BaseException) -> Iterator[Mapping[str, Any]]:
    """Yield the local variables of all functions that an error went through, outermost first."""
    traceback = error.__traceback__
    while traceback is not None:
        yield traceback.tb_frame.f_locals
        traceback = traceback.tb_next


def _built(step: Step, ignore_index: int) -> Any:
    import albumentations as A

    known = transforms()[step.name]
    arguments = dict(step.arguments)
    if known.kind == "container":
        arguments[INNER] = [_built(each, ignore_index) for each in step.inner or ()]
    elif _checks_arguments(getattr(A, step.name)):
        arguments["strict"] = True  # what does not fit would be replaced by defaults
    if known.pads_mask:
        arguments.setdefault("fill_mask", ignore_index)
    if "area_for_downscale" in known.arguments:
        # of those that resize: plain NEAREST would shift masks against images
        arguments.setdefault("mask_interpolation", cv2.INTER_NEAREST_EXACT)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # advice on faster transforms
            return getattr(A, step.name)(**arguments)
    except (ValueError, TypeError) as error:
        raise SettingsError(f"augment: {step.name}{_reason(error)}") from None


def _checks_arguments(transform: type) -> bool:
    """Does the class that has its constructor check the arguments by a schema?"""
    owner = next(each for each in transform.__mro__ if "__init__" in vars(each))
    return "InitSchema" in vars(owner)


def _reason(error: Exception) -> str:
    """Return what a transform says of its arguments, in one line."""
    cause = error.__cause__
    if not isinstance(cause, ValidationError):
        return f": {error}"
    found = cause.errors(include_url=False)
    return "; ".join(
        f"{''.join(f'.{part}' for part in each['loc'][:1])}: {each['msg']}" for each in found
    )
