"""Numbers that are written as arithmetic expressions: sqrt(0.1), 0.1**0.5."""

import ast
import json
import math
import operator
import re
from collections.abc import Callable, Mapping

Number = int | float

MAX_LENGTH = 80
"""Maximum length of an expression in characters. A longer one is taken for a mistake."""
MAX_BITS = 1024
"""Maximum size of an integer power in bits; no float holds more. It is checked before computing,
because 9**9**9 would take hours and all of the memory."""

NO_NAMES: Mapping[str, object] = {}

EXPRESSION = re.compile(r"\*\*|sqrt\(")
"""Marks a text as an expression: a power or a square root."""
_BINARY: dict[type[ast.operator], Callable[[Number, Number], Number]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: lambda base, exponent: _power(base, exponent),
}
_UNARY: dict[type[ast.unaryop], Callable[[Number], Number]] = {
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
}


class ExpressionError(ValueError):
    """The text is not an expression, or its value is not a finite real number."""


def is_expression(text: str) -> bool:
    """Return whether a text is an expression: whether it contains a power or a square root.

    >>> [is_expression(text) for text in ("0.1**0.5", "2*sqrt(3)", "1/8", "2026-01-01", "unet")]
    [True, True, False, False, False]
    """
    return EXPRESSION.search(text) is not None


def evaluate(text: str, values: Mapping[str, object] = NO_NAMES) -> Number:
    """Return the value of numbers joined by + - * / **, a minus sign, parentheses and sqrt().

    Precedence and arithmetic are Python's: integers stay integers except in a division, a root and
    a power with a negative exponent. No code is executed. The text is parsed, and anything that is
    not in this list is refused.

    Args:
        text: the expression.
        values: values of the names that may stand in it.

    Raises:
        ExpressionError: the text contains something else, or the value is not a finite real number.

    >>> evaluate("sqrt(0.1)"), evaluate("2**4"), evaluate("-(1 + 2) / 2**2")
    (0.31622776601683794, 16, -0.75)
    """
    if len(text) > MAX_LENGTH:
        raise ExpressionError(f"is longer than {MAX_LENGTH} characters")
    return number_of(parsed(text), values)


def parsed(text: str) -> ast.expr:
    """Return the syntax tree of an expression.

    Raises:
        ExpressionError: the text has none.
    """
    try:
        return ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError):
        raise ExpressionError("is not a complete expression") from None


def number_of(node: ast.expr, values: Mapping[str, object]) -> Number:
    """Return the value of an expression's syntax tree, as `evaluate` does.

    Raises:
        ExpressionError: as `evaluate` does.
    """
    try:
        value = _value(node, values)
        finite = math.isfinite(value)
    except ZeroDivisionError:
        raise ExpressionError("divides by zero") from None
    except OverflowError:
        raise ExpressionError("is too large a number") from None
    if not finite:
        raise ExpressionError("is too large a number")
    return value


def dotted(node: ast.expr) -> str | None:
    """Return the name that a node is, such as lr or model_args.depth; None if it is none."""
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=inner, attr=name):
            outer = dotted(inner)
            return None if outer is None else f"{outer}.{name}"
    return None


def _value(node: ast.expr, values: Mapping[str, object]) -> Number:
    match node:
        case ast.Name() | ast.Attribute() if dotted(node) in values:
            return _number(dotted(node), values)
        case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
            return number
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _BINARY:
            return _BINARY[type(op)](_value(left, values), _value(right, values))
        case ast.UnaryOp(op=sign, operand=operand) if type(sign) in _UNARY:
            return _UNARY[type(sign)](_value(operand, values))
        case ast.Call(func=ast.Name(id="sqrt"), args=[argument], keywords=[]):
            return _root(_value(argument, values))
    raise ExpressionError(
        f"holds '{ast.unparse(node)}', not only numbers, + - * / **, parentheses and sqrt()"
    )


def _number(name: str | None, values: Mapping[str, object]) -> Number:
    value = values[name or ""]
    if isinstance(value, bool) or not isinstance(value, int | float):
        shown = json.dumps(value, default=repr)
        raise ExpressionError(f"holds {name}, which is {shown} and not a number")
    return value


def _power(base: Number, exponent: Number) -> Number:
    if exponent == 0.5:
        return _root(base)  # so that x**0.5 and sqrt(x) are equal to the last bit
    if isinstance(base, int) and isinstance(exponent, int):
        _check_size(base, exponent)
    value: int | float | complex = base**exponent
    if isinstance(value, complex):
        raise ExpressionError("has no real value: a fractional power of a negative number")
    return value


def _check_size(base: int, exponent: int) -> None:
    if exponent * base.bit_length() > MAX_BITS:
        raise OverflowError


def _root(number: Number) -> float:
    if number < 0:
        raise ExpressionError("has no real value: the square root of a negative number")
    return math.sqrt(number)
