"""Reads YAML with the line of every value, and writes it. Only this file imports ruamel.

The language is YAML 1.2: 1e-3 is a number, yes and no are texts. Dates stay texts, and merge keys
(<<) are not supported. Only plain values are built, whatever tags a file uses. One extension: an
unquoted power or square root, such as sqrt(0.1) or 0.1**0.5, is evaluated to a number.

The size, the depth and the number of values of a file are limited before anything is built: aliases
can multiply a few lines without end, and ruamel takes 5 s for each MB.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from textwrap import shorten
from typing import IO, Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import CollectionEndEvent, CollectionStartEvent, NodeEvent
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.representer import SafeRepresenter

from searchctl.orchestrator.config.parsing.expressions import (
    ExpressionError,
    evaluate,
    is_expression,
)
from searchctl.orchestrator.config.parsing.problems import Problem, SweepError
from searchctl.searchspace.errors import Path


@dataclass
class YamlFile:
    """The values of a YAML file, and the lines of its keys."""

    file: str
    """Name of the file as it was given."""
    value: dict[str, Any] = field(default_factory=dict)
    lines: dict[Path, int] = field(default_factory=lambda: {(): 1})
    """Line (from 1) of every key and list item, by its path from the top."""


MAX_BYTES = 128 * 1024
MAX_VALUES = 10_000
"""Keys and values, those that aliases repeat counted each time."""
MAX_DEPTH = 20
_KINDS = {"bool": "true or false", "int": "number", "float": "number", "null": "null"}
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
"""Characters that no path, name or command holds on purpose: controls and halves of a surrogate."""


def load_yaml(path: FilePath) -> YamlFile:
    """Read a YAML file whose top level is a mapping. An empty file is an empty mapping.

    Raises:
        SweepError: the file cannot be read, has a syntax error, or a key occurs twice. The message
            has the file and the line.
    """
    try:
        text = _text(path)
    except (OSError, UnicodeDecodeError) as error:
        raise _unreadable(str(path), error) from None
    return read_yaml(text, str(path))


def read_yaml(text: str, file: str) -> YamlFile:
    """Read YAML whose top level is a mapping, as `load_yaml` does; `file` names it in errors.

    Raises:
        SweepError: the text has a syntax error, or a key occurs twice.
    """
    source = YamlFile(file)
    try:
        _check_structure(file, text)
        yaml = YAML(typ="safe", pure=True)
        yaml.composer.warn_double_anchors = False  # YAML allows it: the newest one counts
        node = yaml.compose(text)
    except MarkedYAMLError as error:
        raise SweepError([_syntax_problem(file, error)]) from None
    except YAMLError as error:
        raise _unreadable(file, error) from None
    if node is not None:
        _Reader(source).read(node)
    return source


def _unreadable(file: str, error: Exception) -> SweepError:
    reason = getattr(error, "strerror", None) or str(error).splitlines()[0]
    return SweepError([Problem((), f"cannot be read: {reason}", file)])


def dump_yaml(value: Any, stream: IO[str]) -> None:
    """Write plain values as block style YAML in the order of their keys."""
    yaml = YAML(typ="safe", pure=True)
    yaml.Representer = _Representer
    yaml.default_flow_style = False
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]  # ruamel's types
    yaml.dump(value, stream)


class _Representer(SafeRepresenter):
    """Puts texts in quotes that would be read as an expression."""

    def text(self, value: str) -> ScalarNode:
        style = "'" if is_expression(value) else None
        return self.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Representer.add_representer(str, _Representer.text)


def _text(path: FilePath) -> str:
    with path.open("rb") as file:
        content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        problem = f"is larger than {MAX_BYTES // 1024} KB, which no sweep file needs"
        raise SweepError([Problem((), problem, str(path))])
    return content.decode("utf-8")


def _check_structure(file: str, text: str) -> None:
    """Refuse a file that is too deep or holds too many values, from its stream of events.

    Raises:
        SweepError: it is.
        YAMLError: it is not YAML.
    """
    depth = values = 0
    for event in YAML(typ="safe", pure=True).parse(text):
        if isinstance(event, CollectionStartEvent):
            depth += 1
        elif isinstance(event, CollectionEndEvent):
            depth -= 1
        values += isinstance(event, NodeEvent)
        if depth > MAX_DEPTH or values > MAX_VALUES:
            line = event.start_mark.line + 1
            raise SweepError([Problem((), _too_much(depth), file, line)])


def _too_much(depth: int) -> str:
    if depth > MAX_DEPTH:
        return f"is nested more than {MAX_DEPTH} levels deep"
    return f"holds more than {MAX_VALUES:,} keys and values"


def _syntax_problem(file: str, error: MarkedYAMLError) -> Problem:
    mark = error.problem_mark or error.context_mark
    words = [str(error.problem or error.context)]
    if error.problem and error.context and error.context_mark:
        words.append(f"{error.context} that starts in line {error.context_mark.line + 1}")
    return Problem((), " ".join(words), file, mark.line + 1 if mark else None)


class _Reader:
    """Turns the nodes of one file into plain values."""

    def __init__(self, source: YamlFile) -> None:
        self._source = source
        self._open: list[Node] = []
        self._problems: list[Problem] = []
        self._values = 0
        self._scalars = YAML(typ="safe", pure=True).constructor

    def read(self, node: Node) -> None:
        if not isinstance(node, MappingNode):
            raise SweepError(
                [Problem((), "must be a mapping: 'name: ..', 'data: ..'", self._source.file, 1)]
            )
        self._source.value = self._value(node, ())
        if self._problems:
            raise SweepError(self._problems)

    def _value(self, node: Node, path: Path) -> Any:
        self._values += 1
        if self._values > MAX_VALUES:
            line = node.start_mark.line + 1
            raise SweepError([Problem(path, _too_much(0), self._source.file, line)])
        if node in self._open:  # an alias inside its own anchor: would recurse without end
            self._refuse(node, path, "an alias must not contain itself")
            return None
        self._open.append(node)
        try:
            if isinstance(node, MappingNode):
                return {
                    key: self._value(item, (*path, key)) for key, item in self._keys(node, path)
                }
            if isinstance(node, SequenceNode):
                return [self._item(item, (*path, index)) for index, item in enumerate(node.value)]
            return self._scalar(node, path)
        finally:
            self._open.pop()

    def _keys(self, node: MappingNode, path: Path) -> Iterator[tuple[str, Node]]:
        seen: dict[str, int] = {}
        for key, item in node.value:
            if not isinstance(key, ScalarNode) or not str(key.tag).endswith(":str"):
                self._refuse(key, path, f"a key must be a text: put '{key.value}' in quotes")
                continue
            if key.value in seen:
                first = f"line {seen[key.value]} has it too: keep one of the two"
                self._refuse(key, (*path, key.value), f"is written twice, {first}")
                continue
            seen[key.value] = key.start_mark.line + 1
            self._source.lines[(*path, key.value)] = key.start_mark.line + 1
            yield key.value, item

    def _item(self, node: Node, path: Path) -> Any:
        self._source.lines[path] = node.start_mark.line + 1
        return self._value(node, path)

    def _scalar(self, node: Node, path: Path) -> Any:
        plain = isinstance(node, ScalarNode) and node.style is None  # without quotes
        if plain and is_expression(node.value):
            return self._computed(node, path)
        kind = str(node.tag).rpartition(":")[2]
        build = {
            "null": self._scalars.construct_yaml_null,
            "bool": self._scalars.construct_yaml_bool,
            "int": self._scalars.construct_yaml_int,
            "float": self._scalars.construct_yaml_float,
        }.get(kind)
        try:
            return build(node) if build else self._text(node, path)
        except (ValueError, LookupError):  # LookupError: a tag such as !!bool on another text
            self._refuse(node, path, f"'{shorten(node.value, 60)}' is no {_KINDS[kind]}")
            return None

    def _text(self, node: Node, path: Path) -> Any:
        if isinstance(node.value, str) and (found := _CONTROL.search(node.value)):
            self._refuse(node, path, f"holds the control character {found[0]!r}: remove it")
        return node.value

    def _computed(self, node: Node, path: Path) -> int | float | None:
        try:
            return evaluate(node.value)
        except ExpressionError as error:
            fix = "write a number, or put it in quotes if it is a text"
            self._refuse(node, path, f"'{node.value}' {error}: {fix}")
            return None

    def _refuse(self, node: Node, path: Path, message: str) -> None:
        line = node.start_mark.line + 1
        self._problems.append(Problem(path, message, self._source.file, line))
