"""The values of a point, in a canonical form."""

import json
import math
from typing import TypeAlias

Value: TypeAlias = "bool | int | float | str | tuple[Value, ...] | None"
"""A setting's value: None, a boolean, a number, a string, or a tuple of these."""


def freeze(value: object) -> Value:
    """Return the canonical, immutable form of a value from YAML or JSON.

    Lists become tuples. A float without a fractional part becomes an int, since 1 and 1.0 are the
    same number. True stays distinct from 1.

    Raises:
        ValueError: the value has another type (a mapping, a date), or is NaN or infinite.
    """
    if isinstance(value, (list, tuple)):
        return tuple(freeze(item) for item in value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"{value} is not a finite number")
        return int(value) if value.is_integer() else float(value)
    if value is None or isinstance(value, (bool, int, str)):
        return value
    raise ValueError("a value is a text, a number, true, false, null or a list of these")


def text(value: Value) -> str:
    """Return a canonical value as JSON; floats have the fewest digits that restore them.

    Two values are the same if and only if their texts are equal. (In Python True == 1, but their
    texts differ.)

    >>> text((1e-3, True, None))
    '[0.001,true,null]'
    """
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def same(one: object, other: object) -> bool:
    """Return whether two values are the same.

    >>> same(1, 1.0), same(1, True)
    (True, False)
    """
    return text(freeze(one)) == text(freeze(other))


def among(value: object, values: tuple[Value, ...]) -> bool:
    """Return whether the value is one of `values`."""
    return any(same(value, other) for other in values)
