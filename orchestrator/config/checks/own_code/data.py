"""Checks a data set of the user's own by its source: the class and its arguments."""

from collections.abc import Iterator
from pathlib import Path

from searchctl.orchestrator.config.checks.own_code.parts import folder_of
from searchctl.orchestrator.config.parsing.problems import Problem, SweepError, locate
from searchctl.orchestrator.config.parsing.yaml_source import YamlFile
from searchctl.orchestrator.config.sweep import Sweep
from searchctl.searchspace.errors import Path as Place
from searchctl.searchspace.errors import unknown
from searchctl.trainer.data.settings import OwnData
from searchctl.trainer.settings.source.modules import SourceError
from searchctl.trainer.settings.source.signatures import REQUIRED, read_signature

_ANY = ("args", "kwargs")


def check_own_data(sweep: Sweep, source: YamlFile) -> None:
    """Check the class of an own data set and its arguments, beside the sweep's file first.

    Raises:
        SweepError: lists every problem with its line.
    """
    if not isinstance(sweep.data, OwnData):
        return
    found = list(_problems(sweep.data, folder_of(source)))
    if found:
        raise SweepError(
            Problem(place, message, source.file, locate(source.lines, place))
            for place, message in found
        )


def _problems(data: OwnData, folder: Path) -> Iterator[tuple[Place, str]]:
    try:
        signature = read_signature(data.dataset, folder)
    except SourceError as error:
        yield ("data", "dataset"), str(error)
        return
    for name in data.args:
        if not signature.accepts(name):
            yield ("data", "args", name), unknown("argument", name, signature.names)
    given = {*data.args, *(signature.names[:1] if data.root is not None else ())}
    for each in signature.parameters:
        if each.default is REQUIRED and each.name not in {*given, *_ANY}:
            fix = "set data.root" if each.name == "root" else f"write args: {{{each.name}: ..}}"
            yield ("data", "dataset"), f"{data.dataset} needs {each.name}: {fix}"
