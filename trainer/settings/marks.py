"""Metadata of a setting beside its type and bounds: written in its `Annotated`, read by name.

dropout: Annotated[float, Field(ge=0, lt=1), Mark.SWITCH, Mark.REGULARISER] = 0.0
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto
from typing import TypeVar

from pydantic import BaseModel

Choice = str | bool | None
"""A value that decides whether another setting has an effect."""
Kind = TypeVar("Kind")


class Mark(Enum):
    """One fact of a setting."""

    SAME_SPEED = auto()
    """No value changes how long an image takes. Without this mark, every value may."""
    SWITCH = auto()
    """Only whether it is on changes how long an image takes."""
    REGULARISER = auto()
    """Larger values regularise more strongly."""
    ROUNDING = auto()
    """It changes how sums are rounded."""
    NO_NUMBER = auto()
    """It changes no number that is computed."""
    BY_CONTENT = auto()
    """It names a file, which a job knows by its content."""


@dataclass(frozen=True)
class NoEffect:
    """The setting has no effect where another one has one of these values."""

    other: str
    values: tuple[Choice, ...]


@dataclass(frozen=True)
class NoAxis:
    """The setting cannot be searched."""

    why: str
    """The reason, and what to do, in a sentence about the setting."""


@dataclass(frozen=True)
class OnlyFor:
    """The setting is for one task."""

    task: str
    does: str
    """What it does, in a sentence about the setting: why other tasks have no use for it."""


def marked(settings: type[BaseModel], mark: Mark) -> frozenset[str]:
    """Return the names of the settings with a mark."""
    return frozenset(n for n, field in settings.model_fields.items() if mark in field.metadata)


def marks_of(settings: type[BaseModel], kind: type[Kind]) -> Iterator[tuple[str, Kind]]:
    """Yield the name of each setting with each of its marks of one kind."""
    for name, field in settings.model_fields.items():
        yield from ((name, mark) for mark in field.metadata if isinstance(mark, kind))
