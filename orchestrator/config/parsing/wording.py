"""Turns pydantic's errors into paths in the file and messages for users."""

import difflib
import re
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from searchctl.orchestrator.config.parsing.known_keys import is_tag, unknown_key
from searchctl.searchspace.errors import Path, Problem, unknown
from searchctl.trainer.data.settings.own import CATALOG, OWN
from searchctl.trainer.settings.refusal import REFUSED

_PLAIN = {
    "missing": "is missing: add it",
    "greater_than": "must be above {gt}",
    "greater_than_equal": "must be {ge} or more",
    "less_than": "must be below {lt}",
    "less_than_equal": "must be {le} or less",
    "too_short": "needs {min_length} or more entries",
    "too_long": "must have no more than {max_length} entries",
    "literal_error": "must be {expected}",
    "finite_number": "must be a finite number",
    "string_type": "must be a text",
    "string_too_short": "must not be empty",
    "union_tag_not_found": "is missing: add it",
    **dict.fromkeys(("int_type", "int_parsing", "int_from_float"), "must be a whole number"),
    **dict.fromkeys(("float_type", "float_parsing"), "must be a number"),
    **dict.fromkeys(("bool_type", "bool_parsing"), "must be true or false"),
    **dict.fromkeys(("list_type", "tuple_type"), "must be a list"),
    **dict.fromkeys(
        ("dict_type", "model_type", "model_attributes_type"), "must be a mapping of keys"
    ),
    **dict.fromkeys(("path_type", "is_instance_of"), "must be a path"),
}
_PLAIN_TYPES = ("str", "int", "float", "bool")
"""Pydantic's names of the union branches of plain values."""
MOST_PROBLEMS = 50
"""Problems that are put into words; a file with more of them is none of ours."""


def reworded(error: ValidationError, raw: object, model: type[BaseModel]) -> list[Problem]:
    """Return every problem of a validation with its path in `raw`.

    Args:
        error: what validating `raw` raised.
        raw: the plain values that were validated.
        model: the model that they were validated against.
    """
    found: dict[Path, list[str]] = defaultdict(list)
    errors = _without_lost_branches(error.errors(include_url=False), raw)
    for details in errors[:MOST_PROBLEMS]:
        path = _path(details, raw)
        message = _message(details, model)
        if message not in found[path]:
            found[path].append(message)
    problems = [(path, ", or ".join(messages)) for path, messages in found.items()]
    if len(errors) > MOST_PROBLEMS:
        path = _path(errors[MOST_PROBLEMS], raw)
        problems.append((path, f"and {len(errors) - MOST_PROBLEMS:,} more problems from here on"))
    return problems


def _written_path(raw: object, loc: Path) -> Path:
    """Remove parts of pydantic's location that are not in the file: names of union branches."""
    return tuple(part for part, written in _walk(raw, loc) if written)


def _path(details: ErrorDetails, raw: object) -> Path:
    if details["type"] == REFUSED:  # its own part of the path is final, what leads to it is not
        walk = _walk(raw, details["loc"])
        return tuple(part for part, written in walk if written or not is_tag(part))
    path = _written_path(raw, details["loc"])
    return (*path, "dataset") if details["type"].startswith("union_tag") else path


def _walk(raw: object, loc: Path) -> list[tuple[str | int, bool]]:
    """Return each part of a location, and whether it is a key or index of the file."""
    steps: list[tuple[str | int, bool]] = []
    node = raw
    for position, part in enumerate(loc):
        last = position == len(loc) - 1
        inside = isinstance(node, Mapping) and part in node
        inside = inside or (isinstance(node, list) and isinstance(part, int) and part < len(node))
        is_missing = last and isinstance(node, (Mapping, list)) and not _is_branch(part, node)
        steps.append((part, inside or is_missing))
        node = node[part] if inside else node  # type: ignore[index]
    return steps


def _is_branch(part: str | int, node: Mapping[str, Any] | list[Any]) -> bool:
    """Return whether a part is pydantic's name of a union branch: of a type, or of a data set."""
    named = isinstance(node, Mapping) and node.get("dataset") == part
    is_tag = named or part in (CATALOG, OWN, *_PLAIN_TYPES)
    return is_tag or (isinstance(part, str) and "[" in part)


def _without_lost_branches(errors: list[ErrorDetails], raw: object) -> list[ErrorDetails]:
    """Keep only the union branch with the fewest errors; keep all branches that tie.

    The branch of plain values has lost where a list or a mapping is written.
    """
    branches: dict[Path, dict[str | int, list[ErrorDetails]]] = defaultdict(dict)
    kept = []
    for details in errors:
        walk = _walk(raw, details["loc"])
        unwritten = [n for n, (_, written) in enumerate(walk) if not written]
        if not unwritten or details["type"] == REFUSED:
            kept.append(details)
        else:
            at = unwritten[-1]
            branches[details["loc"][:at]].setdefault(details["loc"][at], []).append(details)
    for union in branches.values():
        likely = [each for each in union.values() if not _is_of_plain_value(each)]
        likely = likely or [*union.values()]
        fewest = min(map(len, likely))
        kept += [one for branch in likely if len(branch) == fewest for one in branch]
    return kept


def _is_of_plain_value(branch: list[ErrorDetails]) -> bool:
    """Return whether a union branch refuses a list or a mapping because of its type."""
    (first, *others) = branch
    plain = first["loc"][-1] in _PLAIN_TYPES and first["type"].endswith("_type")
    plain = plain or first["type"] == "literal_error"
    return plain and not others and isinstance(first["input"], (list, tuple, Mapping))


def _message(details: ErrorDetails, model: type[BaseModel]) -> str:
    kind, context = details["type"], details.get("ctx", {})
    if kind == "extra_forbidden":
        return unknown_key(model, details["loc"])
    if kind == "value_error":
        return str(context["error"])
    if kind == "union_tag_invalid":
        return unknown("data set", context["tag"], re.findall(r"'(.*?)'", context["expected_tags"]))
    if kind not in _PLAIN:
        return details["msg"]
    bounds = {key: f"{v:g}" if isinstance(v, float) else v for key, v in context.items()}
    return _PLAIN[kind].format(**bounds) + _seen(details) + _meant(details)


def _seen(details: ErrorDetails) -> str:
    given = details["input"]
    if details["type"] in ("missing", "union_tag_not_found") or isinstance(given, (dict, list)):
        return ""
    return f", not {'null' if given is None else repr(given)}"


def _meant(details: ErrorDetails) -> str:
    given = details["input"]
    if details["type"] != "literal_error" or not isinstance(given, str):
        return ""
    names = re.findall(r"'(.*?)'", details["ctx"]["expected"])
    close = difflib.get_close_matches(given, names, n=1)
    return f": did you mean '{close[0]}'?" if close else ""
