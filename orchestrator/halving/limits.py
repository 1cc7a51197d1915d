"""Limits on what is measured of a trial, pure: which it exceeds, in words."""

from collections.abc import Iterator, Mapping
from typing import Any, Literal, get_args

Quantity = Literal["latency_ms", "memory_gb"]
"""latency_ms: milliseconds of inference for one image. memory_gb: peak memory of training, in units
of 1e9 bytes."""

QUANTITIES: tuple[Quantity, ...] = get_args(Quantity)

Limits = Mapping[Quantity, float]
"""The largest value that each limited quantity may have."""

_WORDS: dict[Quantity, tuple[str, str]] = {
    "latency_ms": ("latency", "ms"),
    "memory_gb": ("memory", "GB"),
}


def limits_of(spec: Mapping[str, Any]) -> Limits:
    """Return the limits of a stored sweep; empty for one without any."""
    given = spec.get("halving", {}).get("limits") or {}  # older versions stored none
    return {name: given[name] for name in QUANTITIES if given.get(name) is not None}


def exceeded(limits: Limits, measured: Mapping[Quantity, float]) -> str:
    """Return in words which limits a trial exceeds; empty if it exceeds none.

    A quantity that could not be measured counts as exceeded: nothing shows that it is not.

    >>> exceeded({"latency_ms": 20, "memory_gb": 10}, {"latency_ms": 31.2, "memory_gb": 4.0})
    'latency 31.2 ms > 20 ms'
    >>> exceeded({"memory_gb": 10}, {})
    'memory not measured (limit 10 GB)'
    """
    return ", ".join(_exceeded(limits, measured))


def limit_text(quantity: Quantity, most: float) -> str:
    """Return a limit in words.

    >>> limit_text("latency_ms", 20)
    'latency 20 ms'
    """
    name, unit = _WORDS[quantity]
    return f"{name} {most:g} {unit}"


def judged_text(limits: Limits, measured: Mapping[Quantity, float]) -> str:
    """Return in words what was measured for limits.

    >>> judged_text({"latency_ms": 20}, {"latency_ms": 3.14159})
    'latency 3.14 ms (limit 20 ms)'
    """
    known = [(name, _WORDS[name], measured[name]) for name in limits if name in measured]
    return ", ".join(
        f"{word} {_above(value, limits[name]) if value > limits[name] else f'{value:.3g}'} {unit} "
        f"(limit {limits[name]:g} {unit})"
        for name, (word, unit), value in known
    )


def _exceeded(limits: Limits, measured: Mapping[Quantity, float]) -> Iterator[str]:
    for quantity, most in limits.items():
        (name, unit), value = _WORDS[quantity], measured.get(quantity)
        if value is None:
            yield f"{name} not measured (limit {most:g} {unit})"
        elif value > most:
            yield f"{name} {_above(value, most)} {unit} > {most:g} {unit}"


def _above(value: float, most: float) -> str:
    """Write a value with so many digits that it reads as larger than the limit."""
    texts = (f"{value:.{digits}g}" for digits in (3, 5, 8))
    return next((text for text in texts if float(text) > most), repr(value))
