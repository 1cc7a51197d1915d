"""Values inside a setting that is a mapping, by dotted names: `model_args.depth`.

In `augment` they lead to an argument of a transform: `augment.RandomScale.scale_limit`.
"""

from collections.abc import Mapping
from typing import Any

from searchctl.trainer.settings.pipelines.paths import with_value


def with_values(settings: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings with other values in place; a dotted name leads into a mapping.

    Whole settings are replaced first. The last part of a dotted name may be new, the others not.

    Raises:
        ValueError: a dotted name leads into something that is no mapping.

    >>> with_values({"lr": 0.1, "model_args": {"depth": 3}}, {"model_args.depth": 4})
    {'lr': 0.1, 'model_args': {'depth': 4}}
    """
    changed = {**settings, **{name: values[name] for name in values if "." not in name}}
    for name in values:
        setting, _, inside = name.partition(".")
        if inside and setting in settings:
            is_pipeline = setting == "augment" and isinstance(changed[setting], Mapping)
            changed[setting] = (
                with_value(changed[setting], inside, values[name])
                if is_pipeline
                else _replaced(changed[setting], inside, values[name], setting)
            )
        elif inside:
            changed[setting] = None  # no setting at all: pydantic refuses its name
    return changed


def _replaced(part: object, name: str, value: Any, place: str) -> dict[str, Any]:
    if not isinstance(part, Mapping):
        can_be_summed = place == "loss" and ":" not in str(part)  # one of ours, none of one's own
        fix = f": write loss: {{{part}: 1}} under training" if can_be_summed else ""
        raise ValueError(f"{place} is {part!r} here, and has no '{name}'{fix}")
    key, _, rest = name.partition(".")
    if rest and key not in part:
        raise ValueError(f"{place} has no '{key}' here: it has {', '.join(part) or 'nothing'}")
    inner = _replaced(part[key], rest, value, f"{place}.{key}") if rest else value
    return {**part, key: inner}
