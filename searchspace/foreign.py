"""Axes in the form of other tools, and the line that says the same here.

The forms are those of Weights & Biases, Optuna, Ray Tune, Hydra, NNI, Katib, Vizier and Ax.
"""

import ast
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

_CALL = re.compile(r"(?:\w+\.)*(\w+)\((.{1,200})\)")
_LOW = ("low", "min", "lower", "minval", "min_value")
_HIGH = ("high", "max", "upper", "maxval", "max_value")
_ENDS = ("bounds", "range", "interval", "_value")
_LISTED = ("values", "choices", "options", "categories", "grid_search", "_value")
_KIND = ("distribution", "_type", "type", "scale", "scale_type")
_LOG = ("log", "log_scale", "log_base")
_STEP = ("step", "q", "quantization")
_WHOLE = ("randint", "lograndint", "intuniform", "int", "integer", "quantizeduniform")
_CHOICES = ("choice", "categorical")
_CONDITIONS = ("where", "constraints", "constraint", "conditions", "condition")
_COMPARES = re.compile(r"[=!<>]=|[<>]")
_OURS = {"low", "high", "log", "step", "values", "when"}


def line_for(name: str, written: object) -> str | None:
    """Return the line to write for an axis in a foreign form; None if the form is not known.

    >>> line_for("lr", "loguniform(1e-4, 1e-1)")
    'lr: {low: 0.0001, high: 0.1, log: true}'
    >>> line_for("dropout", {"mu": 0.1, "sigma": 0.05})
    'dropout: {low: 0.0, high: 0.2}'
    """
    if name in _CONDITIONS and (conditions := _conditions(written)):
        return f"search: {{where: [{conditions}]}}"
    if isinstance(written, str):
        axis = _of_call(written)
    elif isinstance(written, Mapping) and not written.keys() <= _OURS:
        axis = _of_mapping(written)
    else:
        axis = None
    return axis and f"{name}: {axis}"


def _conditions(written: object) -> str | None:
    """Return conditions on trials as a list's entries; None if they are values of an axis."""
    texts = [written] if isinstance(written, str) else written
    if not isinstance(texts, list) or not texts or not all(isinstance(t, str) for t in texts):
        return None
    return ", ".join(f'"{text}"' for text in texts) if any(map(_COMPARES.search, texts)) else None


def _of_call(written: str) -> str | None:
    call = _CALL.fullmatch(written.strip())
    if not call:
        return None
    try:
        arguments = ast.literal_eval(f"({call[2]},)")
    except (ValueError, SyntaxError):
        return None
    kind = _kind(call[1])
    if kind in _CHOICES:
        listed = isinstance(arguments[0], (list, tuple))
        return _choice(arguments[0] if listed else arguments)
    if kind in ("randint", "lograndint") and len(arguments) == 2 and _are_numbers(arguments):
        arguments = (arguments[0], arguments[1] - 1)  # their upper end is not a value
    return _of_kind(kind, arguments)


def _of_mapping(written: Mapping[str, Any]) -> str | None:
    kind = _kind(str(_first(written, _KIND) or ""))
    listed = _first(written, _LISTED)
    if isinstance(listed, list) and (kind in ("", *_CHOICES) or "values" in written):
        return _choice(listed)
    if "mu" in written or "sigma" in written:
        return _normal(written.get("mu", 0), written.get("sigma", 1))
    ends = _first(written, _ENDS)
    if not isinstance(ends, list):
        ends = [_first(written, _LOW), _first(written, _HIGH)]
    if any(_first(written, (key,)) not in (None, False, "linear") for key in _LOG):
        kind += "log"
    step = _first(written, _STEP)
    return _of_kind(kind, ends if step is None else [*ends, step])


def _of_kind(kind: str, numbers: Sequence[Any]) -> str | None:
    """Return the interval of a distribution; a normal one is cut at two deviations."""
    if len(numbers) < 2 or not _are_numbers(numbers):
        return None
    low, high, *step = numbers
    if "normal" in kind:
        return _normal(low, high)
    whole = kind in _WHOLE or (kind in ("", "log") and all(isinstance(n, int) for n in numbers))
    keys = {"low": _number(low, whole), "high": _number(high, whole)}
    if "log" in kind:
        keys["log"] = "true"
    elif step:
        keys["step"] = _number(step[0], whole)
    return _mapping(keys)


def _normal(mean: Any, deviation: Any) -> str | None:
    if not _are_numbers([mean, deviation]):
        return None
    ends = (mean - 2 * deviation, mean + 2 * deviation)
    return _mapping(dict(zip(("low", "high"), (_number(end, False) for end in ends), strict=True)))


def _choice(values: Iterable[object]) -> str:
    return f"[{', '.join(_plain(value) for value in values)}]"


def _plain(value: object) -> str:
    names: dict[object, str] = {True: "true", False: "false", None: "null"}
    return names[value] if value is None or isinstance(value, bool) else str(value)


def _mapping(keys: Mapping[str, str]) -> str:
    return f"{{{', '.join(f'{key}: {value}' for key, value in keys.items())}}}"


def _number(number: Any, whole: bool) -> str:
    return str(int(number)) if whole else repr(float(f"{number:.6g}"))


def _first(written: Mapping[str, Any], keys: Iterable[str]) -> Any:
    return next((written[key] for key in keys if key in written), None)


def _kind(name: str) -> str:
    """Return the name of a distribution without underscores: log_uniform is loguniform."""
    return name.lower().replace("_", "").removesuffix("values")


def _are_numbers(values: Iterable[object]) -> bool:
    return all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in values)
