"""Calls code that is not ours: imports it by its path, and shows its errors by its own lines."""

import importlib
import inspect
import sys
import sysconfig
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, get_type_hints

from pydantic import BaseModel, ValidationError

from searchctl.trainer.core.errors import SettingsError, TrainerError
from searchctl.trainer.core.stopping import Diverged, Stopped, status_for_error
from searchctl.trainer.own_code.imports import not_travelled

_OURS = str(Path(__file__).resolve().parents[1])
_STANDARD = str(Path(sysconfig.get_path("stdlib")).resolve())
_INSTALLED = {"site-packages", "dist-packages"}
MOST_LINES = 6
"""Lines of a traceback that are shown, the innermost ones."""
_BY_NAME = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


def import_object(where: str) -> Any:
    """Import the object that an import path names.

    Raises:
        SettingsError: the module or the object is missing, or the module raises an error.
    """
    module, _, name = where.partition(":")
    with own_errors(where):
        try:
            found: Any = importlib.import_module(module)
        except ModuleNotFoundError as error:
            if error.name is None or not f"{module}.".startswith(f"{error.name}."):
                raise  # something that the module imports is missing
            places = [path or str(Path.cwd()) for path in sys.path]
            others = [p for p in places if Path(p).is_dir() and not p.startswith(_STANDARD)]
            folders = ", ".join(others)
            raise SettingsError(
                f"{where}: there is no module {error.name}: searched {folders}"
            ) from None
        for part in name.split("."):
            if not hasattr(found, part):
                file = getattr(found, "__file__", None) or module
                raise SettingsError(f"{where}: {file} has no {part}")
            found = getattr(found, part)
    return found


@contextmanager
def own_errors(where: str) -> Iterator[None]:
    """Report errors of code that is not ours by the lines of that code alone.

    Errors of the machine, such as memory that ran out, pass unchanged.

    Args:
        where: the import path of the object that is called.

    Raises:
        SettingsError: the block raised an error.
    """
    try:
        yield
    except (TrainerError, Stopped, Diverged):
        raise
    except SyntaxError as error:
        raise SettingsError(f"{where} cannot be read: {syntax_problem(error)}") from error
    except SystemExit as error:
        if _is_signal(error):
            raise
        raise SettingsError(f"{where} ends the process: {own_lines(error)}") from error
    except Exception as error:
        if problem := not_travelled(error):
            raise SettingsError(f"{where}: {problem}") from error
        if of_the_machine(error):
            raise
        raise SettingsError(f"{where} fails: {own_lines(error)}") from error


def of_the_machine(error: Exception) -> bool:
    """Return whether the machine is at fault, and not the code that raised it."""
    return status_for_error(error) in ("lost", "out_of_memory", "blocked")


def syntax_problem(error: SyntaxError) -> str:
    """Return what is wrong with the text of a file, and on which line."""
    return f"{error.filename}:{error.lineno}: {error.msg}: {(error.text or '').strip()}"


def own_lines(error: BaseException) -> str:
    """Return an error with the lines of its traceback that are neither ours nor a library's."""
    frames = traceback.extract_tb(error.__traceback__)
    lines = [
        f"\n  {_shown(frame.filename)}:{frame.lineno}, in {frame.name}: {frame.line}"
        for frame in frames
        if is_own(frame.filename)
    ]
    return f"{type(error).__name__}: {error}{''.join(lines[-MOST_LINES:])}"


def _is_signal(error: SystemExit) -> bool:
    """Return whether a handler of a signal raised it, Ray's for instance, and not own code."""
    return not is_own(traceback.extract_tb(error.__traceback__)[-1].filename)


def _shown(file: str) -> str:
    """Return a file as its module is imported: copies of own code have long directories."""
    places = [path for path in sys.path if path and Path(file).is_relative_to(path)]
    return str(Path(file).relative_to(max(places, key=len))) if places else file


def is_own(file: str) -> bool:
    """Return whether a file is neither ours nor a library's."""
    path = Path(file).resolve()
    is_library = str(path).startswith((_OURS, _STANDARD)) or bool(_INSTALLED & {*path.parts})
    return not file.startswith("<") and not is_library


def parameters_of(target: Callable[..., Any]) -> Mapping[str, inspect.Parameter]:
    """Return the parameters of a callable by name; none if Python cannot tell them."""
    try:
        return inspect.signature(target).parameters
    except (TypeError, ValueError):
        return {}


def accepts(target: Callable[..., Any], name: str) -> bool:
    """Return whether a callable has a parameter of that name, `**kwargs` aside."""
    found = parameters_of(target).get(name)
    return found is not None and found.kind in _BY_NAME


def accepted(
    target: Callable[..., Any], offers: Mapping[tuple[str, ...], object], args: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the arguments of a call: those of the user, and of ours what is accepted.

    Args:
        target: what is called.
        offers: what we can give, by the names that a parameter for it may have, the usual one
            first.
        args: the user's, which count more.
    """
    chosen = {}
    for names, value in offers.items():
        name = next((name for name in names if accepts(target, name)), None)
        if name is not None:
            chosen[name] = value
    return {**chosen, **_arguments(target, args)}


def _arguments(target: Callable[..., Any], args: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the user's arguments; as a pydantic model where a parameter `options` is one."""
    if "options" not in parameters_of(target):
        return args
    called = target.__init__ if inspect.isclass(target) else target
    model = get_type_hints(called).get("options")
    if not (inspect.isclass(model) and issubclass(model, BaseModel)):
        return args
    try:
        return {"options": model.model_validate(dict(args))}
    except ValidationError as error:
        raise SettingsError(f"{target.__qualname__}: {error}") from None


def checked_call(where: str, target: Callable[..., Any], *given: object, **args: object) -> Any:
    """Call an object of the user's with arguments that fit its signature.

    Raises:
        SettingsError: they do not fit, or the call fails.
    """
    problem = None
    try:
        inspect.signature(target).bind(*given, **args)
    except TypeError as error:
        problem = str(error)
    except ValueError:  # a builtin without a signature: the call itself tells
        pass
    if problem:
        names = ", ".join(parameters_of(target))
        raise SettingsError(f"{where}: {problem}; its parameters are {names}")
    with own_errors(where):
        return target(*given, **args)
