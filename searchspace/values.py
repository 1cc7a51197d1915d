"""The values of a point, in a canonical form."""

import json
import math
from collections.abc import Mapping
from typing import TypeAlias

Value: TypeAlias = "bool | int | float | str | tuple[Value, ...] | Record | None"
"""A setting's value: None, a boolean, a number, a string, or a tuple or a mapping of these."""


class Record(dict[str, "Value"]):
    """A mapping as a value: sorted by name, hashable, and not to be changed."""

    def __hash__(self) -> int:  # type: ignore[override]  # dict has none
        """Hash its canonical JSON."""
        return hash(text(self))

    def _refuse(self, *args: object, **kwargs: object) -> None:
        raise TypeError("a value of a point cannot be changed")

    __setitem__ = __delitem__ = update = pop = clear = setdefault = popitem = _refuse  # type: ignore[assignment]

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle it as a whole: item by item would be refused."""
        return (Record, (dict(self),))


def freeze(value: object) -> Value:
    """Return the canonical, immutable form of a value from YAML or JSON.

    Lists become tuples, and mappings become `Record`s. A float without a fractional part becomes an
    int, since 1 and 1.0 are the same number. True stays distinct from 1.

    Raises:
        ValueError: the value has another type (a date), or is NaN or infinite.
    """
    if isinstance(value, Mapping):
        return Record({_key(key): freeze(value[key]) for key in sorted(value, key=_key)})
    if isinstance(value, (list, tuple)):
        return tuple(freeze(item) for item in value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"{value} is not a finite number")
        return int(value) if value.is_integer() else float(value)
    if value is None or isinstance(value, (bool, int, str)):
        return value
    raise ValueError(
        "a value is a text, a number, true, false, null, or a list or mapping of these"
    )


def _key(key: object) -> str:
    if not isinstance(key, str):
        raise ValueError(f"a name must be a text, not {key!r}")
    return key


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
    wanted = text(freeze(value))
    return any(text(freeze(other)) == wanted for other in values)
