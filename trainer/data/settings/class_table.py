"""Class tables: names in the order of their ids, names with ids, or names with colours."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from searchctl.trainer.data.settings.base import Channel
from searchctl.trainer.settings.base import Settings

Rgb = tuple[Channel, Channel, Channel]


class ColourClass(Settings):
    """A class of a data set whose masks are colour pictures."""

    name: str
    """Name of the class."""
    color: Rgb
    """Red, green and blue of the class in the masks."""


class ValueClass(Settings):
    """A class with its value in the masks."""

    name: str
    """Name of the class."""
    id: Channel
    """Value of the class in the masks."""


Classes = tuple[str, ...] | tuple[ValueClass, ...] | tuple[ColourClass, ...]


def _listed(table: Any) -> Any:
    """Convert a mapping to an equivalent list; its order would not survive in JSON."""
    if not isinstance(table, dict):
        return table
    if any(isinstance(value, list | tuple) for value in table.values()):
        return [{"name": name, "color": value} for name, value in table.items()]
    entries = [{"name": name, "id": value} for name, value in table.items()]
    return sorted(entries, key=lambda entry: _number(entry["id"]))


def _number(value: Any) -> float:
    return value if isinstance(value, int) else float("inf")


ClassTable = Annotated[
    Classes,
    Field(min_length=2, max_length=255),
    BeforeValidator(
        _listed,
        json_schema_input_type=(Classes | dict[str, Channel] | dict[str, Rgb]),
    ),
]
"""A class table as it is written; a mapping of names to ids or colours becomes a list."""


def names_of(classes: Classes) -> tuple[str, ...]:
    """Return the names of a table's classes."""
    return tuple(each if isinstance(each, str) else each.name for each in classes)


def ids_of(classes: Classes, first_id: int) -> tuple[int, ...]:
    """Return the mask value of each class; of names alone, those that follow `first_id`."""
    return tuple(
        each.id if isinstance(each, ValueClass) else first_id + place
        for place, each in enumerate(classes)
    )


def colours_of(classes: Classes) -> tuple[tuple[int, int, int], ...]:
    """Return the colour of each class; none for a table of ids."""
    return tuple(each.color for each in classes if isinstance(each, ColourClass))


def refuse_equal(classes: Classes) -> None:
    """Refuse a table in which two classes have one name, id or colour.

    Raises:
        ValueError: names what is there twice.
    """
    _refuse_twice("name", names_of(classes))
    _refuse_twice("id", [each.id for each in classes if isinstance(each, ValueClass)])
    _refuse_twice("colour", colours_of(classes))


def _refuse_twice(what: str, values: Sequence[Any] | Iterable[Any]) -> None:
    twice = [value for value, count in Counter(values).items() if count > 1]
    if twice:
        raise ValueError(f"two classes have the {what} {twice[0]}: give each its own")
