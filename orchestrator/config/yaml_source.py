"""Reads YAML with the line of every value, and writes it. Only this file imports ruamel.

The language is YAML 1.2: 1e-3 is a number, yes and no are texts. Dates stay texts, and merge keys
(<<) are not supported. Only plain values are built, whatever tags a file uses. One extension: an
unquoted power or square root, such as sqrt(0.1) or 0.1**0.5, is evaluated to a number.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import IO, Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from searchctl.orchestrator.config.expressions import ExpressionError, evaluate, is_expression
from searchctl.orchestrator.config.problems import Problem, SweepError
from searchctl.searchspace.errors import Path


@dataclass
class YamlFile:
    """The values of a YAML file, and the lines of its keys."""

    file: str
    """Name of the file as it was given."""
    value: dict[str, Any] = field(default_factory=dict)
    lines: dict[Path, int] = field(default_factory=lambda: {(): 1})
    """Line (from 1) of every key and list item, by its path from the top."""


def load_yaml(path: FilePath) -> YamlFile:
    """Read a YAML file whose top level is a mapping. An empty file is an empty mapping.

    Raises:
        SweepError: the file cannot be read, has a syntax error, or a key occurs twice. The message
            has the file and the line.
    """
    source = YamlFile(str(path))
    try:
        node = YAML(typ="safe", pure=True).compose(path.read_text(encoding="utf-8"))
    except MarkedYAMLError as error:
        raise SweepError([_syntax_problem(source.file, error)]) from None
    except (OSError, UnicodeDecodeError, YAMLError) as error:
        reason = getattr(error, "strerror", None) or str(error).splitlines()[0]
        raise SweepError([Problem((), f"cannot be read: {reason}", source.file)]) from None
    if node is not None:
        _Reader(source).read(node)
    return source


def dump_yaml(value: Any, stream: IO[str]) -> None:
    """Write plain values as block style YAML in the order of their keys."""
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = False
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]  # ruamel's types
    yaml.dump(value, stream)


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
            return build(node) if build else node.value
        except ValueError:
            self._refuse(node, path, f"'{node.value}' is not a number")
            return None

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
