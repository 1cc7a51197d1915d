"""The values that a point of a space may hold, in one canonical form."""

import json
import math
from typing import TypeAlias

Value: TypeAlias = "bool | int | float | str | tuple[Value, ...] | None"
"""A setting's value: nothing, true or false, a number, a text, or a tuple of these."""


def freeze(value: object) -> Value:
    """Return the canonical, immutable form of a value as YAML or JSON gives it.

    Lists become tuples, and a float without a fractional part becomes an int: 1 and 1.0 are the
    same number, so they are the same value. True is not 1.

    Raises:
        ValueError: a value of another type (a mapping, a date), or NaN or infinity.
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
    """Write a canonical value as JSON, floats with the fewest digits that give them back.

    Two values are the same exactly if their texts are (in Python True == 1; their texts differ).

    >>> text((1e-3, True, None))
    '[0.001,true,null]'
    """
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def same(one: object, other: object) -> bool:
    """Are these the same value?

    >>> same(1, 1.0), same(1, True)
    (True, False)
    """
    return text(freeze(one)) == text(freeze(other))


def among(value: object, values: tuple[Value, ...]) -> bool:
    """Is the value one of these?"""
    return any(same(value, other) for other in values)
