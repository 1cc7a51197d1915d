"""Exact fractions of a sweep file: 1/16 or 0.0625, as the digits say."""

import re
from fractions import Fraction
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

_DIGITS = re.compile(r"\s*\d{1,20}\s*/\s*\d{1,20}\s*|\s*\d{0,20}\.?\d{0,20}([eE][+-]?\d{1,2})?\s*")


def _share(written: Any) -> Fraction:
    fraction = _number(written)
    if not 0 < fraction <= 1:
        raise ValueError(f"must be above 0 and not above 1, not {written}")
    return fraction


def _part(written: Any) -> Fraction:
    fraction = _number(written)
    if not 0 <= fraction <= 1:
        raise ValueError(f"must be from 0 to 1, not {written}")
    return fraction


def _number(written: Any) -> Fraction:
    # repr returns the digits as they were written, so that 0.1 becomes exactly 1/10
    text = repr(written) if isinstance(written, float) else str(written)
    if not _DIGITS.fullmatch(text):  # an exponent of nine digits takes hours
        raise ValueError(f"must be a fraction such as 1/16 or 0.0625, not {text[:40]!r}")
    try:
        return Fraction(text)
    except (ValueError, ZeroDivisionError):
        raise ValueError(f"must be a fraction such as 1/16 or 0.0625, not {written!r}") from None


def _schema(**least: float) -> WithJsonSchema:
    text = {"type": "string", "pattern": r"^[0-9]+\s*/\s*[0-9]+$|^[0-9]*\.?[0-9]+$"}
    return WithJsonSchema({"anyOf": [{"type": "number", **least, "maximum": 1}, text]})


_AS_TEXT = PlainSerializer(str, return_type=str)
Share = Annotated[Fraction, BeforeValidator(_share), _AS_TEXT, _schema(exclusiveMinimum=0)]
"""An exact fraction of the training images: 1/16 or 0.0625."""
Part = Annotated[Fraction, BeforeValidator(_part), _AS_TEXT, _schema(minimum=0)]
"""An exact part of a number of trials, from 0 to 1."""
