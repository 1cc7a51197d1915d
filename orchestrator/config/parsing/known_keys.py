"""The keys that a section of a file may have, from the JSON Schema of its settings."""

from collections.abc import Iterator
from functools import cache
from typing import Any

from pydantic import BaseModel

from searchctl.searchspace.errors import Path, unknown
from searchctl.trainer.data.settings.own import CATALOG, OWN

_MOST_PLACES = 2
"""A key that more sections know says nothing about the one that was meant."""


def unknown_key(model: type[BaseModel], loc: Path) -> str:
    """Return the message for a key that is unknown where it is written.

    It names the full path if one or two other sections know the key, otherwise the closest key.

    Args:
        model: the settings of the whole file.
        loc: pydantic's location of the key.
    """
    *section, key = loc
    known = [*_places(model).get(str(key), ())]
    others = [path for path in known if path.rpartition(".")[0] != ".".join(map(str, section[:1]))]
    if 0 < len(others) <= _MOST_PLACES:
        return f"unknown key '{key}': did you mean {' or '.join(map(repr, others))}?"
    return unknown("key", str(key), _known_keys(model, tuple(section)))


def is_tag(part: str | int) -> bool:
    """Return whether a part is the tag of a kind of settings, as that of `training`."""
    return isinstance(part, str) and part.startswith("[")


@cache
def _places(model: type[BaseModel]) -> dict[str, list[str]]:
    """Return the paths of the keys below each section, by their last part."""
    schema = _json_schema(model)
    found: dict[str, list[str]] = {}
    for section, node in schema["properties"].items():
        paths = dict.fromkeys(_paths(schema, node, section))  # several data sets have a key
        for path in paths:
            found.setdefault(path.rpartition(".")[2], []).append(path)
    return found


def _paths(schema: dict[str, Any], node: dict[str, Any], path: str) -> Iterator[str]:
    """Yield the paths of all keys below a node, of every branch of a union."""
    node = _resolve(schema, node)
    for branch in (*node.get("anyOf", ()), *node.get("oneOf", ())):
        yield from _paths(schema, branch, path)
    for key, child in node.get("properties", {}).items():
        yield f"{path}.{key}"
        yield from _paths(schema, child, f"{path}.{key}")


def _known_keys(model: type[BaseModel], loc: Path) -> list[str]:
    schema = _json_schema(model)
    node = schema
    for part in loc:
        node = _with_keys(schema, _step(schema, node, part))
    return list(node.get("properties", ()))


@cache
def _json_schema(model: type[BaseModel]) -> dict[str, Any]:
    return model.model_json_schema()


def _step(schema: dict[str, Any], node: dict[str, Any], part: str | int) -> dict[str, Any]:
    if is_tag(part):  # it names the model
        return {"$ref": f"#/$defs/{str(part).strip('[]')}"}
    if part in (CATALOG, OWN) and "oneOf" in node:
        kind: dict[str, Any] = node["oneOf"][part == OWN]
        return kind
    tags = node.get("discriminator", {}).get("mapping", {})
    if part in tags:
        return {"$ref": tags[part]}
    if isinstance(part, int):
        found: dict[str, Any] = node.get("items", {})
        return found
    if part in node.get("properties", {}):
        child: dict[str, Any] = node["properties"][part]
        return child
    return node  # the name of a union's branch, which was chosen before


def _with_keys(schema: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    """Return a node; of a union, the branch with keys or entries, by convention the last one."""
    found = _resolve(schema, node)
    branches = [_with_keys(schema, branch) for branch in found.get("anyOf", ())]
    return next((each for each in reversed(branches) if {"properties", "items"} & {*each}), found)


def _resolve(schema: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    name = node.get("$ref", "").removeprefix("#/$defs/")
    found: dict[str, Any] = schema["$defs"][name] if name else node
    return found
