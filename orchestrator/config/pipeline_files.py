"""Reads the files of pipelines that a sweep file names; the sweep holds their content."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from searchctl.orchestrator.config.parsing.problems import Problem, SweepError, locate
from searchctl.orchestrator.config.parsing.yaml_source import YamlFile, load_yaml
from searchctl.searchspace.errors import Path as Place
from searchctl.trainer.settings.names import PIPELINE_FILES
from searchctl.trainer.settings.pipelines.checks import pipeline_problems
from searchctl.trainer.settings.pipelines.saved import from_saved, is_saved

_INSTEAD = "none"
"""What stands for a pipeline with problems, so that they are reported once."""


def read_pipeline_files(source: YamlFile) -> tuple[Problem, ...]:
    """Put the content of every file that `augment` names in its place; return what is wrong.

    A file is one of `albumentations.save`, or holds a pipeline as a sweep file does. Relative paths
    start in the current directory.
    """
    problems: list[Problem] = []
    for holder, key, place in _places(source.value):
        named = holder[key]
        if isinstance(named, str) and named.endswith(PIPELINE_FILES):
            found: list[Problem] = []
            content = _content(named, found)
            holder[key] = _INSTEAD if found else content
            line = locate(source.lines, place)
            problems += [Problem(place, f"{each}", source.file, line) for each in found]
    return tuple(problems)


def _places(values: dict[str, Any]) -> Iterator[tuple[Any, Any, Place]]:
    """Yield (mapping or list, key, path) of everything in a sweep file that may name a file."""
    training, space = values.get("training"), values.get("space")
    if isinstance(training, dict) and "augment" in training:
        yield training, "augment", ("training", "augment")
    if not isinstance(space, dict):
        return
    place: Place = ("space", "augment")
    axis = space.get("augment")
    if isinstance(axis, dict) and isinstance(axis.get("values"), list):
        axis, place = axis["values"], (*place, "values")
    if isinstance(axis, list):
        yield from ((axis, index, (*place, index)) for index in range(len(axis)))
    points = space.get("points")
    for index, point in enumerate(points if isinstance(points, list) else ()):
        if isinstance(point, dict) and "augment" in point:
            yield point, "augment", ("space", "points", index, "augment")


def _content(named: str, problems: list[Problem]) -> object:
    """Return the pipeline of a file; add what is wrong with it to `problems`."""
    try:
        file = load_yaml(Path(named).expanduser())
        content = from_saved(file.value) if is_saved(file.value) else file.value
    except SweepError as error:
        problems += error.problems
        return None
    except ValueError as error:
        problems.append(Problem((), str(error), named))
        return None
    lines = {} if content is not file.value else file.lines
    problems += [
        Problem(path, message, named, locate(lines, path))
        for path, message in pipeline_problems(content)
    ]
    return content
