"""Types from the text of annotations: those of plain values, and Any for all others."""

import ast
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Union

from pydantic import BeforeValidator

_PLAIN: Mapping[str, Any] = {
    "int": int,
    "float": float,
    "str": str,
    "bool": bool,
    "None": None,
    "dict": dict[str, Any],
    "Mapping": dict[str, Any],
}
_SEQUENCES = ("list", "List", "Sequence", "Iterable", "Collection")


def type_of(annotation: ast.expr | None) -> Any:
    """Return the type that an annotation names.

    >>> type_of(ast.parse("int | None", mode="eval").body)
    typing.Optional[int]
    >>> type_of(ast.parse("Tensor", mode="eval").body)
    typing.Any
    """
    match annotation:
        case ast.Constant(value=None):
            return None
        case ast.Constant(value=str(text)):
            return _of_text(text)
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return _either([left, right])
        case ast.Name() | ast.Attribute():
            return _named(_last(annotation))
        case ast.Subscript(value=value, slice=inside):
            parts = inside.elts if isinstance(inside, ast.Tuple) else [inside]
            return _generic(_last(value), parts)
    return Any


def _of_text(text: str) -> Any:
    try:
        return type_of(ast.parse(text, mode="eval").body)
    except SyntaxError:
        return Any


def _last(node: ast.expr) -> str:
    return ast.unparse(node).rpartition(".")[2]


def _named(name: str) -> Any:
    if name in _SEQUENCES:
        return _list_of(Any)
    return _tuple_of([Any, ...]) if name in ("tuple", "Tuple") else _PLAIN.get(name, Any)


def _generic(name: str, parts: list[ast.expr]) -> Any:
    if name == "Literal":
        return _literal(parts)
    if name in ("Union", "Optional"):
        return _either([*parts, *([ast.Constant(None)] if name == "Optional" else [])])
    if name == "Annotated":
        return type_of(parts[0])
    if name in _SEQUENCES:
        return _list_of(type_of(parts[0]))
    if name in ("tuple", "Tuple"):
        return _tuple_of([... if _is_ellipsis(part) else type_of(part) for part in parts])
    return _PLAIN["dict"] if name in ("dict", "Dict", "Mapping") else Any


def _literal(parts: list[ast.expr]) -> Any:
    try:
        return Literal[tuple(ast.literal_eval(part) for part in parts)]
    except ValueError:
        return Any


def _either(parts: list[ast.expr]) -> Any:
    types = [type_of(part) for part in parts]
    return Any if Any in types else Union[tuple(types)]  # noqa: UP007 - of a computed list


def _is_ellipsis(part: ast.expr) -> bool:
    return isinstance(part, ast.Constant) and part.value is ...


def _list_of(inside: Any) -> Any:
    return Annotated[list[inside], BeforeValidator(_as(list))]


def _tuple_of(inside: list[Any]) -> Any:
    return Annotated[tuple[tuple(inside)], BeforeValidator(_as(tuple))]  # type: ignore[misc]  # computed


def _as(kind: type) -> Any:
    """Return what turns a list of YAML, or the tuple of a search space, into one of the two."""
    return lambda value: kind(value) if isinstance(value, list | tuple) else value
