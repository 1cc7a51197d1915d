"""Puts values into a pipeline by dotted names: `RandomScale.scale_limit`."""

import re
from collections.abc import Mapping
from typing import Any

from searchctl.searchspace.errors import Path, unknown
from searchctl.trainer.settings.pipelines.tree import INNER, Step, normal, read

_NUMBERED = re.compile(r"(\w+)\[(\d+)\]")


def with_value(pipeline: Mapping[str, Any], name: str, value: Any) -> dict[str, Any]:
    """Return a pipeline with another value of an argument.

    Args:
        pipeline: the pipeline.
        name: transform and argument, `RandomScale.scale_limit`; of several transforms of one name,
            `RandomScale[1].scale_limit` is the second in the order of the file.
        value: the value.

    Raises:
        ValueError: the pipeline has no such transform, or several.

    >>> with_value({"Compose": [{"Blur": {}}, {"Rotate": {"limit": 9}}]}, "Rotate.limit", 45)
    {'Compose': [{'Blur': {}}, {'Rotate': {'limit': 45}}]}
    """
    transform, _, argument = name.partition(".")
    if not argument or "." in argument:
        raise ValueError(f"augment.{name} must name a transform and an argument: augment.Rotate.p")
    changed: dict[str, Any] = _put(
        normal(pipeline), _step(pipeline, transform).path, argument, value
    )
    return changed


def _step(pipeline: Mapping[str, Any], written: str) -> Step:
    numbered = _NUMBERED.fullmatch(written)
    name, number = (numbered[1], int(numbered[2])) if numbered else (written, None)
    steps = [step for top in read(pipeline).steps for step in top.walk()]
    named = [step for step in steps if step.name == name]
    if not named:
        known = dict.fromkeys(step.name for step in steps)
        raise ValueError(unknown("transform in augment", name, known))
    if number is None and len(named) > 1:
        choices = " or ".join(f"augment.{name}[{place}]" for place in range(len(named)))
        raise ValueError(f"augment has {len(named)} transforms {name}: write {choices}")
    if (number or 0) >= len(named):
        raise ValueError(f"augment has no {written}: {name} occurs {len(named)} times, from [0] on")
    return named[number or 0]


def _put(node: Any, path: Path, argument: str, value: Any) -> Any:
    """Return a normal part of a pipeline with an argument of the transform at a path replaced."""
    if path:
        key, *rest = path
        inner = _put(node[key], tuple(rest), argument, value)
        if isinstance(node, list):
            return [inner if place == key else each for place, each in enumerate(node)]
        return {**node, key: inner}
    return {**({INNER: node} if isinstance(node, list) else node), argument: value}
