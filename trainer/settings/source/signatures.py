"""Reads the parameters of a class or function from its source, which is not run.

So a sweep file is checked without importing torch or the user's code. What the text does not show
(another decorator, `**kwargs`, a compiled module) is taken to accept anything: the import tells.
"""

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from searchctl.trainer.settings.source.annotations import type_of
from searchctl.trainer.settings.source.modules import Module, SourceError, find_module

REQUIRED = object()
"""The default of a parameter that has none."""
UNKNOWN = object()
"""The default of a parameter whose value the source does not show."""
_DEPTH = 12
"""Imports, assignments and base classes that are followed from one to the next."""
_NO_PARAMETERS = {"torch.nn:Module", "torch.nn.modules.module:Module", "builtins:object"}


@dataclass(frozen=True)
class Parameter:
    """A parameter that is given by name."""

    name: str
    type: Any
    """Of its annotation; Any if it has none, or one that the source does not explain."""
    default: Any = REQUIRED


@dataclass(frozen=True)
class Signature:
    """What a class or function can be called with."""

    where: str
    """ "module:object" as it was named."""
    is_class: bool = False
    parameters: tuple[Parameter, ...] = ()
    is_open: bool = True
    """Whether it may accept other names too."""
    doc: str = ""
    options: "Signature | None" = field(default=None, repr=False)
    """Fields of the class that annotates a parameter `options`, if it has one."""

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the parameters."""
        return tuple(parameter.name for parameter in self.parameters)

    @property
    def required(self) -> tuple[str, ...]:
        """The names of the parameters without a default."""
        return tuple(each.name for each in self.parameters if each.default is REQUIRED)

    def accepts(self, name: str) -> bool:
        """Return whether a parameter may have that name."""
        return self.is_open or name in self.names


def read_signature(where: str, folder: Path | None) -> Signature:
    """Return the parameters of the object that an import path names, `self` left out.

    Args:
        where: "module:object".
        folder: searched for the module before the places of installed packages.

    Raises:
        SourceError: the module or the object is missing, or the module's source has a syntax error.
    """
    module, _, name = where.partition(":")
    found = _object(find_module(module, folder), name.split("."), _DEPTH)
    return replace(found, where=where)


def _object(module: Module, names: Sequence[str], depth: int) -> Signature:
    """Return the signature of an object of a module, wherever it is defined.

    Raises:
        SourceError: the module has no such object.
    """
    where = f"{module.name}:{'.'.join(names)}"
    if where in _NO_PARAMETERS:
        return Signature(where, is_class=True, is_open=False)
    if module.tree is None or depth == 0:
        return Signature(where)
    node = module.names.get(names[0])
    if node is None:
        return _elsewhere(module, names, depth)
    if isinstance(node, ast.Import | ast.ImportFrom):
        return _imported(module, node, names, depth)
    for name in names[1:]:
        body = node.body if isinstance(node, ast.ClassDef) else []
        found = next((each for each in body if getattr(each, "name", None) == name), None)
        if found is None:
            return Signature(where)
        node = found
    return _defined(module, node, where, depth)


def _elsewhere(module: Module, names: Sequence[str], depth: int) -> Signature:
    """Look into the modules from which everything is imported, and for a submodule."""
    for other in module.imported_whole():
        try:
            return _object(other, names, depth - 1)
        except SourceError:
            continue
    if module.is_dynamic or module.has_submodule(names[0]):
        return Signature(f"{module.name}:{'.'.join(names)}")
    raise SourceError(module.missing(names[0]))


def _imported(
    module: Module, node: ast.Import | ast.ImportFrom, names: Sequence[str], depth: int
) -> Signature:
    unknown = Signature(f"{module.name}:{'.'.join(names)}")
    alias = next(each for each in node.names if (each.asname or each.name) == names[0])
    try:
        if isinstance(node, ast.ImportFrom):
            other = module.other(node)
            if names[1:] and other.has_submodule(alias.name):
                return _object(other.submodule(alias.name), names[1:], depth - 1)
            return _object(other, [alias.name, *names[1:]], depth - 1)
        return _object(find_module(alias.name, module.folder), names[1:], depth - 1)
    except (SourceError, IndexError):  # an import that may fail, or the name of a module
        return unknown


def _defined(module: Module, node: ast.AST, where: str, depth: int) -> Signature:
    if isinstance(node, ast.FunctionDef):
        return replace(_function(module, node, where, depth), doc=ast.get_docstring(node) or "")
    if isinstance(node, ast.ClassDef):
        found = _class(module, node, where, depth)
        return replace(found, where=where, is_class=True, doc=ast.get_docstring(node) or "")
    return Signature(where)


def _class(module: Module, node: ast.ClassDef, where: str, depth: int) -> Signature:
    body = {each.name: each for each in node.body if isinstance(each, ast.FunctionDef)}
    if "__init__" in body:
        found = _function(module, body["__init__"], where, depth)
        return replace(found, parameters=found.parameters[1:])
    if "__new__" in body or node.keywords:
        return Signature(where)
    if any("dataclass" in ast.unparse(each) for each in node.decorator_list):
        return Signature(where, parameters=tuple(_fields(node)))
    for base in node.bases:
        names = ast.unparse(base).split(".")
        try:
            found = _object(module, names, depth - 1)
        except SourceError:
            found = Signature(where, is_open=names != ["object"])
        if found.is_open or found.parameters:
            return found
    return Signature(where, is_open=False)


def _function(module: Module, node: ast.FunctionDef, where: str, depth: int) -> Signature:
    given = node.args
    positional = [*given.posonlyargs, *given.args]
    defaults = [REQUIRED] * (len(positional) - len(given.defaults)) + [
        _value(each) for each in given.defaults
    ]
    by_name = [REQUIRED if each is None else _value(each) for each in given.kw_defaults]
    pairs = zip([*positional, *given.kwonlyargs], [*defaults, *by_name], strict=True)
    return Signature(
        where,
        parameters=tuple(Parameter(a.arg, type_of(a.annotation), default) for a, default in pairs),
        is_open=given.kwarg is not None or bool(node.decorator_list),
        options=_options(module, given.args + given.kwonlyargs, depth),
    )


def _options(module: Module, given: Sequence[ast.arg], depth: int) -> Signature | None:
    """Return the fields of the class of a parameter `options`; None without such a parameter."""
    named = [each.annotation for each in given if each.arg == "options" and each.annotation]
    node = module.names.get(ast.unparse(named[0])) if named else None
    if not isinstance(node, ast.ClassDef):
        return Signature(module.name) if named else None
    own = tuple(_fields(node))
    inherits = any(module.names.get(ast.unparse(base)) is not None for base in node.bases)
    return Signature(f"{module.name}:{node.name}", parameters=own, is_open=inherits)


def _fields(node: ast.ClassDef) -> Iterator[Parameter]:
    """Yield the annotated attributes of a dataclass or of a pydantic model."""
    for each in node.body:
        if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name):
            default = REQUIRED if each.value is None else _value(each.value)
            yield Parameter(each.target.id, type_of(each.annotation), default)


def _value(node: ast.expr) -> Any:
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, MemoryError, RecursionError):
        return UNKNOWN
