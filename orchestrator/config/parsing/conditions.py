"""Conditions on the values of a trial, written as text: batch_size * accumulate == 64.

No code is executed: the text is parsed, and its syntax tree is evaluated (see expressions.py).
"""

import ast
import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from searchctl.orchestrator.config.parsing.expressions import (
    ExpressionError,
    dotted,
    number_of,
    parsed,
)
from searchctl.searchspace.values import same

MAX_LENGTH = 400
"""Maximum length of a condition in characters."""
CONSTANTS: Mapping[str, object] = {"true": True, "false": False, "null": None}
_ORDER: dict[type[ast.cmpop], Callable[[float, float], bool]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
_EQUALITY = (ast.Eq, ast.NotEq)


@dataclass(frozen=True)
class Condition:
    """A condition: comparisons of numbers and values, joined by and, or, not.

    Raises:
        ExpressionError: the text is none.

    >>> holds = Condition("batch_size * accumulate == 64 and model != 'fcn'")
    >>> holds({"batch_size": 16, "accumulate": 4, "model": "unet"})
    True
    >>> sorted(holds.names)
    ['accumulate', 'batch_size', 'model']
    """

    text: str

    def __post_init__(self) -> None:
        if len(self.text) > MAX_LENGTH:
            raise ExpressionError(f"is longer than {MAX_LENGTH} characters")
        _check(self._tree)

    @cached_property
    def _tree(self) -> ast.expr:
        return parsed(self.text)

    @cached_property
    def names(self) -> frozenset[str]:
        """The names of the values on which it depends."""
        return frozenset(_names(self._tree)) - CONSTANTS.keys()

    def __call__(self, values: Mapping[str, object]) -> bool:
        """Return whether it holds for these values of its names.

        Raises:
            ExpressionError: a value cannot be compared, or divides by zero.
        """
        return _holds(self._tree, values)


def _names(node: ast.AST) -> Iterator[str]:
    name = dotted(node) if isinstance(node, ast.expr) else None
    if name is not None:
        yield name
        return
    if isinstance(node, ast.Call):  # the name of a function is none of a value
        for argument in node.args:
            yield from _names(argument)
        return
    for child in ast.iter_child_nodes(node):
        yield from _names(child)


def _check(node: ast.expr) -> None:
    """Check that a syntax tree is a condition; what stands between comparisons comes later."""
    match node:
        case ast.BoolOp(values=parts):
            for part in parts:
                _check(part)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            _check(operand)
        case ast.Compare(ops=ops) if all(type(op) in _ORDER or type(op) in _EQUALITY for op in ops):
            pass
        case _:
            raise ExpressionError(
                f"holds '{ast.unparse(node)}' where a comparison must be: write it with one of "
                "== != < <= > >=, such as batch_size * accumulate == 64"
            )


def _holds(node: ast.expr, values: Mapping[str, object]) -> bool:
    match node:
        case ast.BoolOp(op=ast.And(), values=parts):
            return all(_holds(part, values) for part in parts)
        case ast.BoolOp(values=parts):
            return any(_holds(part, values) for part in parts)
        case ast.UnaryOp(operand=operand):
            return not _holds(operand, values)
        case ast.Compare(left=left, ops=ops, comparators=others):
            pairs = zip(ops, pairwise([left, *others]), strict=True)
            return all(_compare(op, *pair, values) for op, pair in pairs)
    raise AssertionError(ast.dump(node))


def _compare(op: ast.cmpop, left: ast.expr, right: ast.expr, values: Mapping[str, object]) -> bool:
    if type(op) in _ORDER:
        return _ORDER[type(op)](number_of(left, values), number_of(right, values))
    equal = same(_any(left, values), _any(right, values))
    return equal if isinstance(op, ast.Eq) else not equal


def _any(node: ast.expr, values: Mapping[str, object]) -> object:
    """Return a number, a text, or the value of a name, which may be any."""
    name = dotted(node)
    if name is not None and name in {*values, *CONSTANTS}:
        return values[name] if name in values else CONSTANTS[name]
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    return number_of(node, values)
