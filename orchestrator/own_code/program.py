"""The program that imports a user's modules, in a process of its own, and reports what they are.

Its arguments are a directory, a file for the report (JSON), the names of the parts that are
networks with commas between them, and the names of all parts. It
imports nothing of searchctl and no library, so that only the user's own imports count.
"""

import json
import os
import sys
import traceback
from collections.abc import Iterator
from importlib import import_module
from typing import Any


def main() -> None:
    """Import each part, then report the files below the directory that were imported."""
    folder, report, networks, names = sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4:]
    sys.path.insert(0, folder)
    listed = networks.split(",")
    problems = [each for name in names if (each := _problem(name, folder, name in listed))]
    found = {"files": sorted(set(_files(folder))), "problems": problems}
    with open(report, "w", encoding="utf-8") as file:
        json.dump(found, file)


def _problem(name: str, folder: str, is_network: bool) -> str | None:
    """Import a part; return what is wrong with it, with the user's own lines of the traceback."""
    module, _, attributes = name.partition(":")
    try:
        found: Any = import_module(module)
        for attribute in filter(None, attributes.split(".")):
            found = getattr(found, attribute)
    except BaseException as error:  # also SystemExit: the module must not end this program
        return f"{name} cannot be imported:\n{_own_lines(error, folder)}"
    if is_network and not _may_be_a_network(found):
        return f"{name} is no network: it must be a torch.nn.Module class, or a function of modules"
    return None


def _may_be_a_network(found: Any) -> bool:
    """Return whether calling an object may give a module; a class gives instances of itself."""
    made: Any = getattr(found, "__new__", None)
    if not isinstance(found, type) or made is not object.__new__:
        return callable(found)
    module = getattr(sys.modules.get("torch.nn"), "Module", None)  # the user's import, if any
    return module is not None and issubclass(found, module)


def _own_lines(error: BaseException, folder: str) -> str:
    """Return an error with the lines of its traceback that are in files of the user."""
    steps = traceback.extract_tb(error.__traceback__)
    own = [step for step in steps if _name(step.filename, folder) is not None]
    for step in own:
        step.filename = str(_name(step.filename, folder))
    lines = [*traceback.format_list(own), *traceback.format_exception_only(error)]
    return "".join(lines).replace(folder + os.sep, "").rstrip()


def _files(folder: str) -> Iterator[str]:
    """Yield the files of all imported modules below the directory, relative to it."""
    for module in [*sys.modules.values()]:
        file = getattr(module, "__file__", None)
        name = _name(file, folder) if file else None
        if name is not None:
            yield name


def _name(file: str, folder: str) -> str | None:
    """Return a user's file relative to the directory; None for a file of a library."""
    if not os.path.isfile(file) or not os.path.isabs(file):  # a frozen module, or one of torch.ops
        return None
    path = os.path.abspath(file)
    if not path.startswith(folder + os.sep) or "site-packages" in path.split(os.sep):
        return None
    environment = sys.prefix + os.sep
    if environment.startswith(folder + os.sep) and path.startswith(environment):
        return None
    name = os.path.relpath(path, folder)
    return None if name.startswith("searchctl" + os.sep) else name


if __name__ == "__main__":
    main()
