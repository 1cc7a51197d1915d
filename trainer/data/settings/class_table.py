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
_Written = dict[str, Channel] | dict[str, Rgb] | Classes
"""What may be written in a file; messages about keys are of the last."""


_MIXED = "ids and colours cannot be mixed: give each class an id, or each class a colour"


def _listed(table: Any) -> Any:
    """Convert a mapping to an equivalent list; its order would not survive in JSON.

    Raises:
        ValueError: a class has neither an id nor a colour, or some have ids and some colours.
    """
    if isinstance(table, list):
        _refuse_mixed(table)
    if not isinstance(table, dict):
        return table
    for name, value in table.items():
        if not _is_byte(value) and not _is_colour(value):
            raise ValueError(
                f"'{name}' needs its id, 0 to 255, or its colour, [red, green, blue] of 0 to 255"
            )
    if not any(map(_is_byte, table.values())):
        return [{"name": name, "color": value} for name, value in table.items()]
    if not all(map(_is_byte, table.values())):
        raise ValueError(_MIXED)
    entries = [{"name": name, "id": value} for name, value in table.items()]
    return sorted(entries, key=lambda entry: entry["id"])


def _refuse_mixed(table: list[Any]) -> None:
    kinds = {_kind(each) for each in table} - {None}  # what cannot be read is named by its own path
    if kinds == {"id", "color"}:
        raise ValueError(_MIXED)
    if table and len(kinds) != 1:
        raise ValueError(
            "its entries are of different kinds or cannot be read: list names alone, or map each "
            "name to an id ({background: 0, object: 1}) or to a colour"
        )


def _kind(entry: Any) -> str | None:
    for kind, name in ((str, "name"), (ValueClass, "id"), (ColourClass, "color")):
        if isinstance(entry, kind):
            return name
    if not isinstance(entry, dict) or not isinstance(entry.get("name"), str):
        return None
    fits = {"id": _is_byte, "color": _is_colour}
    held = entry.keys() - {"name"}
    return next((key for key in fits if held == {key} and fits[key](entry[key])), None)


def _is_byte(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 255


def _is_colour(value: Any) -> bool:
    return isinstance(value, list | tuple) and len(value) == 3 and all(map(_is_byte, value))


ClassTable = Annotated[
    Classes,
    Field(min_length=2, max_length=255),
    BeforeValidator(_listed, json_schema_input_type=_Written),
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
