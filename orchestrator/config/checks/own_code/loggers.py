"""Checks the own loggers of a sweep.yaml by their source, which is not run."""

from collections.abc import Iterator
from pathlib import Path

from searchctl.orchestrator.config.sweep import Sweep
from searchctl.searchspace.errors import Path as Place
from searchctl.trainer.settings.options.own_options import argument_problems, options_of
from searchctl.trainer.settings.source.modules import SourceError
from searchctl.trainer.settings.source.signatures import read_signature


def logger_problems(sweep: Sweep, folder: Path) -> Iterator[tuple[Place, str]]:
    """Yield what is wrong with the names and arguments of a sweep's own loggers.

    Args:
        sweep: the sweep.
        folder: searched for modules before the places of installed packages.
    """
    for name, args in sweep.loggers.own.items():
        place = ("loggers", "own", name)
        try:
            signature = read_signature(name, folder)
        except SourceError as error:
            yield place, str(error)
            continue
        setting = ".".join(place)
        for problem in argument_problems(name, options_of("logger", signature), setting, args):
            argument = problem.setting.removeprefix(setting).removeprefix(".")
            yield (*place, argument) if argument in args else place, problem.message
