"""Reads a sweep.yaml, and replaces what depends on this machine by its values."""

from collections.abc import Iterable, Mapping
from pathlib import Path as FilePath

from searchctl.orchestrator.config.changes import NO_CHANGES, apply_changes
from searchctl.orchestrator.config.checks.booleans import booleans_read_as_numbers
from searchctl.orchestrator.config.checks.equal_trials import equal_trials
from searchctl.orchestrator.config.checks.own_code.data import check_own_data
from searchctl.orchestrator.config.checks.own_code.loggers import logger_problems
from searchctl.orchestrator.config.checks.own_code.parts import (
    check_own_parts,
    folder_of,
    with_full_names,
)
from searchctl.orchestrator.config.checks.script import function_problems, names_a_script
from searchctl.orchestrator.config.checks.sections import package_problems
from searchctl.orchestrator.config.locations import undefined_variables
from searchctl.orchestrator.config.parsing.problems import Problem, SweepError, locate
from searchctl.orchestrator.config.parsing.reading import read_settings
from searchctl.orchestrator.config.parsing.yaml_source import YamlFile, load_yaml
from searchctl.orchestrator.config.pipeline_files import read_pipeline_files
from searchctl.orchestrator.config.sections.resources import ResourceSettings
from searchctl.orchestrator.config.sweep import Sweep
from searchctl.searchspace.errors import Path, unknown


def load_sweep(
    path: FilePath | str,
    data_root: FilePath | None = None,
    changes: Mapping[str, str] = NO_CHANGES,
) -> Sweep:
    """Read and check a sweep.yaml.

    Relative directories are resolved against the current directory, because workers have another
    one. If `training.threads` is neither set nor searched, it becomes the number of whole CPUs of
    a trial's process.

    Args:
        path: the file.
        data_root: directory of the data set, in place of `data.root`. Ignored for `scenes`, which
            has no files.
        changes: values in YAML by their paths (`training.epochs`), in place of the file's.

    Raises:
        SweepError: lists every problem with its file, line, path and fix.
    """
    source = load_yaml(FilePath(path))
    apply_changes(source, changes)
    data = source.value.get("data")
    if data_root is not None and isinstance(data, dict) and data.get("dataset") != "scenes":
        source.value["data"] = {**data, "root": str(data_root)}
    known = [*_undefined_variables(source), *_missing_packages(source)]
    if not names_a_script(source.value.get("training")):
        with_full_names(source)
        known += read_pipeline_files(source)
    sweep = read_settings(Sweep, source, known)
    check_own_data(sweep, source)
    if sweep.script is not None:
        problems = [*function_problems(sweep, folder_of(source))]
    else:
        check_own_parts(sweep, source)
        problems = [*equal_trials(sweep)]
    problems += logger_problems(sweep, folder_of(source))
    problems += booleans_read_as_numbers(source.value, sweep.to_json())
    if problems:
        raise SweepError(_located(problems, source))
    return _resolved(sweep, source)


def _undefined_variables(source: YamlFile) -> tuple[Problem, ...]:
    storage = source.value.get("storage")
    url = storage.get("url") if isinstance(storage, dict) else None
    if not isinstance(url, str):
        return ()
    path, line = ("storage", "url"), locate(source.lines, ("storage", "url"))
    fix = "is not set: export it, or write the URL without it"
    return tuple(
        Problem(path, f"the environment variable {name} {fix}", source.file, line)
        for name in undefined_variables(url)
    )


def _missing_packages(source: YamlFile) -> tuple[Problem, ...]:
    # Not a validator of the settings: a stored sweep can be viewed where the packages are missing.
    problems = package_problems(source.value.get("report"), source.value.get("loggers"))
    return _located(problems, source)


def _located(problems: Iterable[tuple[Path, str]], source: YamlFile) -> tuple[Problem, ...]:
    return tuple(
        Problem(path, message, source.file, locate(source.lines, path))
        for path, message in problems
    )


def _resolved(sweep: Sweep, source: YamlFile) -> Sweep:
    """Replace relative paths and machine-dependent defaults by their values on this machine."""
    values = sweep.to_json()
    values["storage"]["runs"] = _resolved_location(sweep.storage.runs, ("storage", "runs"), source)
    for name in ("root", "cache_dir", "train_list", "val_list"):
        if values["data"].get(name) is not None:
            values["data"][name] = _absolute(values["data"][name], ("data", name), source)
    if sweep.loggers.tensorboard is not None:
        values["loggers"]["tensorboard"] = _resolved_location(
            str(sweep.loggers.tensorboard), ("loggers", "tensorboard"), source
        )
    if sweep.script is not None:
        if sweep.script.directory is not None:
            values["training"]["directory"] = _absolute(
                str(sweep.script.directory), ("training", "directory"), source
            )
    elif sweep.recipe.threads is None and "threads" not in sweep.space_.names:
        values["training"]["threads"] = default_threads(sweep.resources)
    return Sweep.model_validate(values)


def default_threads(resources: ResourceSettings) -> int:
    """Return the default of `training.threads`: the number of whole CPUs of a trial's process."""
    return max(1, int(resources.cpus_per_trial / resources.processes))


def _resolved_location(place: str, setting: tuple[str, str], source: YamlFile) -> str:
    if "://" not in place:
        return _absolute(place, setting, source)
    from fsspec.registry import available_protocols  # only a URL needs it

    scheme = place.partition("://")[0]
    if scheme not in available_protocols():
        raise _refused(setting, unknown("scheme", scheme, available_protocols()), source)
    return place


def _absolute(place: str, setting: tuple[str, str], source: YamlFile) -> str:
    try:
        return str(FilePath(place).expanduser().absolute())
    except RuntimeError:  # ~NAME without an account here
        user = place.partition("/")[0]
        raise _refused(setting, f"there is no home directory {user}", source) from None


def _refused(setting: tuple[str, str], message: str, source: YamlFile) -> SweepError:
    return SweepError([Problem(setting, message, source.file, locate(source.lines, setting))])
