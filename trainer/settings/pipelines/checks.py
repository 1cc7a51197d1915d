"""Checks of a pipeline that need neither albumentations nor images."""

from collections.abc import Iterator, Mapping
from typing import Any

from searchctl.searchspace.errors import Path, Problem, unknown
from searchctl.trainer.settings.pipelines.transforms import Transform, transforms
from searchctl.trainer.settings.pipelines.tree import Step, read

TOP = "Compose"
_OTHER_IMAGES = "needs other images than the one that it changes"
_BOXES = "is for bounding boxes, which are not read here"
_FILLS_MASKS = "fills masks with class 0"
_REFUSED: Mapping[str, str] = {
    "AtLeastOneBBoxRandomCrop": _BOXES,
    "BBoxSafeRandomCrop": _BOXES,
    "FDA": _OTHER_IMAGES,
    "FrequencyMasking": _FILLS_MASKS + ": write XYMasking",
    "FromFloat": "changes the type of the numbers, which networks need as it is",
    "GridElasticDeform": _FILLS_MASKS + ": write ElasticTransform",
    "HistogramMatching": _OTHER_IMAGES,
    "Lambda": "holds code, which a file cannot",
    "Morphological": "grows and shrinks masks by the numbers of their classes",
    "Mosaic": _OTHER_IMAGES,
    "Normalize": "is done already: images are normalised after the pipeline",
    "OverlayElements": _OTHER_IMAGES,
    "PixelDistributionAdaptation": _OTHER_IMAGES,
    "RandomCropNearBBox": _BOXES,
    "RandomSizedBBoxSafeCrop": _BOXES,
    "ReplayCompose": "records what it did for a second use: write Compose",
    "TextImage": "needs a text for each image",
    "TimeMasking": _FILLS_MASKS + ": write XYMasking",
    "ToFloat": "changes the type of the numbers, which networks need as it is",
    "ToRGB": "is for images of one band: images are RGB, or the bands that data.bands names",
    "ToTensor3D": "is done already: images become tensors after the pipeline",
    "ToTensorV2": "is done already: images become tensors after the pipeline",
}
"""Transforms that mean nothing here, or something wrong, and why."""
_OWN_ARGUMENTS: Mapping[str, str] = {
    "seed": "is the sweep's: all that is drawn depends on seed, epoch and image",
    "strict": "is always on: leave it out",
    "save_applied_params": "has no effect here: leave it out",
    "is_check_shapes": "has no effect here: leave it out",
    **dict.fromkeys(("bbox_params", "keypoint_params"), "is not for masks: leave it out"),
    "additional_targets": "is set by the image and its mask: leave it out",
}
"""Arguments that are not for a sweep file, and why."""
NEAREST = (0, 6)
"""OpenCV's numbers of the interpolations that take the nearest pixel."""
_FOR_ANY_NUMBERS = ("Blur", "ChannelDropout", "ChannelShuffle")
"""Transforms of pixels that take images of any range and number of bands as they are."""


def pipeline_problems(written: object) -> list[Problem]:
    """Return what is wrong with a pipeline, with paths from its top.

    Checked are the names of transforms and of arguments, whether a transform is of use for images
    with masks, and that no mask is interpolated. Values of arguments are checked where it is built.
    """
    found = read(written)
    if found.problems or not found.steps:
        return found.problems
    (top,) = found.steps
    if top.name != TOP:
        wrapped = f"write {{{TOP}: [..]}} around it"
        return [*_step_problems(top), ((), f"a pipeline begins with {TOP}: {wrapped}")]
    return [problem for step in top.walk() for problem in _step_problems(step)]


def _step_problems(step: Step) -> Iterator[Problem]:
    known = transforms()
    if step.name not in known:
        listed = [name for name in known if name not in _REFUSED]
        yield step.path, _unknown(step.name, listed)
        return
    if why := _REFUSED.get(step.name):
        fix = "" if ": write" in why else ": leave it out"
        yield step.path, f"{step.name} {why}{fix}"
        return
    transform = known[step.name]
    if transform.kind == "other":
        yield step.path, f"{step.name} is for volumes, not for images: leave it out"
        return
    yield from _inner_problems(step, transform)
    yield from _argument_problems(step, transform)


def _unknown(name: str, known: list[str]) -> str:
    message = unknown("transform", name, known)
    return message if "did you mean" in message else f"unknown transform '{name}' of albumentations"


def _inner_problems(step: Step, transform: Transform) -> Iterator[Problem]:
    if transform.kind == "container" and not step.inner:
        yield step.path, f"{step.name} holds no transform: write {step.name}: [..]"
    if transform.kind != "container" and step.inner is not None:
        yield step.path, f"{step.name} holds no transforms: write its arguments, such as {{p: 0.5}}"


def _argument_problems(step: Step, transform: Transform) -> Iterator[Problem]:
    allowed = [name for name in transform.arguments if name not in _OWN_ARGUMENTS]
    for name, value in step.arguments.items():
        place: Path = (*step.path, name)
        if name in _OWN_ARGUMENTS:
            yield place, _OWN_ARGUMENTS[name]
        elif name not in allowed:
            yield place, unknown(f"argument of {step.name}", name, allowed)
        elif name == "mask_interpolation" and value not in NEAREST:
            yield place, "would mix the numbers of classes: a mask takes the nearest pixel, 0 or 6"
    for name in transform.needed:
        if name not in step.arguments and transform.kind != "container":
            yield step.path, f"{step.name} needs '{name}': add it"


def pixel_changes(pipeline: Mapping[str, Any]) -> list[str]:
    """Return the transforms of a valid pipeline that only 8-bit images go through unharmed.

    albumentations takes floats for shares of 1 and cuts off what is above.
    """
    names = dict.fromkeys(step.name for top in read(pipeline).steps for step in top.walk())
    kinds = transforms()
    return [name for name in names if kinds[name].kind == "pixels" and name not in _FOR_ANY_NUMBERS]


def last_size(pipeline: Mapping[str, Any]) -> tuple[Step, tuple[int, int]] | None:
    """Return the last transform of a valid pipeline that fixes the size, and (height, width)."""
    found = None
    for step in (step for top in read(pipeline).steps for step in top.walk()):
        size = step.arguments.get("size") or (
            step.arguments.get("height"),
            step.arguments.get("width"),
        )
        if isinstance(size, (list, tuple)) and len(size) == 2 and None not in size:
            found = step, (size[0], size[1])
    return found
