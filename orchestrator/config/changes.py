"""Values of the command line in place of a sweep file's."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from searchctl.orchestrator.config.parsing.problems import Problem, SweepError
from searchctl.orchestrator.config.parsing.yaml_source import YamlFile, read_yaml

NO_CHANGES: Mapping[str, str] = MappingProxyType({})


def apply_changes(source: YamlFile, changes: Mapping[str, str]) -> None:
    """Replace values of a sweep file.

    Args:
        source: the file; changed in place.
        changes: values in YAML by their paths, e.g. `training.epochs` or `space.loss.dice`, whose
            axis is called `loss.dice`.

    Raises:
        SweepError: a value is no YAML, or a path leads into a value that has no keys.
    """
    for path, text in changes.items():
        value = read_yaml(f"value: {text}", f"the value of {path}").value.get("value")
        *sections, key = path.split(".", 1) if path.startswith("space.") else path.split(".")
        _section(source, path, sections)[key] = value


def _section(source: YamlFile, path: str, sections: list[str]) -> dict[str, Any]:
    """Return the mapping that a path's last key belongs to; it is made if it is missing."""
    section = source.value
    for name in sections:
        section = section.setdefault(name, {})
        if not isinstance(section, dict):
            problem = f"'{name}' has no keys in the file: replace it as a whole"
            raise SweepError([Problem(tuple(path.split(".")), problem, source.file)])
    return section
