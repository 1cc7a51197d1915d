"""Validates a YAML file against a settings class and reports all problems at once."""

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from pydantic import ValidationError

from searchctl.orchestrator.config.parsing.problems import Problem, SweepError, locate
from searchctl.orchestrator.config.parsing.wording import reworded
from searchctl.orchestrator.config.parsing.yaml_source import YamlFile
from searchctl.trainer.settings.base import Settings

Model = TypeVar("Model", bound=Settings)


def read_settings(
    model: type[Model],
    source: YamlFile,
    problems: Iterable[Problem] = (),
    context: Mapping[str, Any] | None = None,
) -> Model:
    """Return the validated settings of a file.

    Args:
        model: the settings class.
        source: the values of the file.
        problems: problems that earlier checks have found; they are reported with the others.
        context: what the model's validators are to know.

    Raises:
        SweepError: lists every problem with its file, line, path and fix.
    """
    found = list(problems)
    try:
        settings = model.model_validate(source.value, context=context)
    except ValidationError as error:
        found += [
            Problem(path, message, source.file, locate(source.lines, path))
            for path, message in reworded(error, source.value, model)
        ]
    if found:
        raise SweepError(found)
    return settings
