"""The checks of a sweep whose trials run the user's own script, and which sweeps these are."""

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Discriminator, Tag

from searchctl.searchspace import Params, Space
from searchctl.searchspace.errors import Path, Problem, unknown
from searchctl.trainer.data.settings.raster import RasterData
from searchctl.trainer.script.command import GIVEN
from searchctl.trainer.script.settings import ScriptSettings
from searchctl.trainer.settings.inference import Inference
from searchctl.trainer.settings.source.modules import SourceError
from searchctl.trainer.settings.source.signatures import Signature, read_signature
from searchctl.trainer.settings.training import TrainSettings

if TYPE_CHECKING:
    from searchctl.orchestrator.config.sweep import Sweep

_SAMPLES = ("train_list", "images", "fraction")
"""Placeholders by which a script learns how much data to train on."""


def names_a_script(written: object) -> bool:
    """Return whether a section `training:` is that of a script, whatever else is wrong with it."""
    return isinstance(written, Mapping) and bool({"command", "function"} & {*written})


def _kind_of_training(written: object) -> str:
    is_script = isinstance(written, ScriptSettings) or names_a_script(written)
    return _SCRIPT if is_script else _OURS


_OURS, _SCRIPT = "[TrainSettings]", "[ScriptSettings]"
"""Tags of the kinds of training; brackets tell them from keys of the file."""
AnyTraining = Annotated[
    Annotated[TrainSettings, Tag(_OURS)] | Annotated[ScriptSettings, Tag(_SCRIPT)],
    Discriminator(_kind_of_training),
]
"""Settings of our own training, or a script of the user's."""


def read_script_space(config: Mapping[str, Any], script: ScriptSettings) -> Space:
    """Read `space:`, whose axes are the script's own names.

    Raises:
        SpaceError: with every problem, their paths relative to `space`.
    """
    defaults = {**script.values, "epochs": script.epochs}
    return Space.from_config(config, defaults, partial(_value_problems, script))


def _value_problems(script: ScriptSettings, values: Mapping[str, object]) -> list[tuple[str, str]]:
    return [*_each_value_problem(script, values)]


def _each_value_problem(
    script: ScriptSettings, values: Mapping[str, object]
) -> Iterator[tuple[str, str]]:
    """Yield (name, problem) for every name that reaches no script, and for epochs that are none."""
    used = script.placeholders
    for name, value in values.items():
        if name in GIVEN and name != "epochs":
            yield name, f"is given by searchctl ({GIVEN[name]}): choose another name"
        elif name == "epochs" and not (type(value) is int and value >= 1):
            yield name, f"must be a whole number from 1, not {value!r}"
        elif not script.takes_any and name not in used:
            known = [each for each in used if each not in GIVEN]
            hint = f": its placeholders are {', '.join(known)}" if known else ""
            yield name, f"changes nothing: write {{{name}}} in training.command{hint}"


def script_problems(sweep: "Sweep", script: ScriptSettings) -> list[Problem]:
    """Return what prevents a sweep of this script, and settings that it would ignore."""
    return [
        *_filling_problems(script, sweep.trials()),
        *_unused_values(script),
        *_sample_problems(sweep, script),
        *_ignored(sweep, script),
    ]


def _filling_problems(script: ScriptSettings, trials: tuple[Params, ...]) -> Iterator[Problem]:
    """Yield the placeholders that nothing fills, in some trial."""
    needed = {*script.placeholders} - {*GIVEN, *script.values}
    for name in sorted(needed):
        lacking = [trial for trial in trials if name not in trial]
        if not lacking:
            continue
        which = "" if len(lacking) == len(trials) else f" in {len(lacking)} of {len(trials)} trials"
        given = unknown("placeholder", name, sorted(GIVEN))
        fix = "search it under space, or give it a value in training.values"
        yield ("training", "command"), f"nothing fills {{{name}}}{which}: {fix} ({given})"


def _unused_values(script: ScriptSettings) -> Iterator[Problem]:
    for name in script.values if not script.takes_any else ():
        if name not in script.placeholders:
            fix = f"write {{{name}}} in training.command, or leave it out"
            yield ("training", "values", name), f"changes nothing: {fix}"


def _sample_problems(sweep: "Sweep", script: ScriptSettings) -> Iterator[Problem]:
    if script.command is not None and not {*_SAMPLES} & {*script.placeholders}:
        yield (
            ("training", "command"),
            "does not name {train_list}: every rung would train on the same samples",
        )
    data = sweep.data
    if data.dataset == "scenes" or (isinstance(data, RasterData) and data.tile is not None):
        yield ("data",), "has samples that are no files of their own, which a script cannot read"


def _ignored(sweep: "Sweep", script: ScriptSettings) -> Iterator[Problem]:
    """Yield the settings of other sections that a script cannot follow."""
    if sweep.report.wanted_images:
        yield ("report", "images"), "cannot be drawn of a script's networks: leave it out"
    if sweep.report.features:
        yield ("report", "features"), "cannot be drawn of a script's networks: leave it out"
    if sweep.inference != Inference():
        yield ("inference",), "has no effect: a script scores its networks itself; leave it out"
    if sweep.resources.processes_per_trial is not None:
        fix = "a script starts its own processes, with {gpus}; leave it out"
        yield ("resources", "processes_per_trial"), f"has no effect: {fix}"
    if "://" in sweep.storage.runs:
        yield ("storage", "runs"), "must be a directory: scripts write files to it"
    if script.directory is not None and sweep.code:
        yield ("code",), "has no effect beside training.directory, which is not copied: keep one"
    is_warm, starts = sweep.halving.continue_ == "warm", "init_from" in script.placeholders
    if script.command is not None and is_warm and not starts:
        problem = "warm needs {init_from} in training.command, or the weights would be ignored"
        yield ("halving", "continue"), problem


def function_problems(sweep: "Sweep", folder: FilePath) -> list[Problem]:
    """Return what a sweep's function cannot be called with; it is read, and not imported.

    Not a part of the settings' own checks: a stored sweep is viewed where the function is missing.

    Args:
        sweep: the sweep.
        folder: directory of the sweep file.
    """
    script = sweep.script
    if script is None or script.function is None:
        return []
    try:
        signature = read_signature(script.function, script.directory or folder)
    except SourceError as error:
        return [(("training", "function"), str(error))]
    return [*_parameter_problems(sweep, script, signature)]


def _parameter_problems(
    sweep: "Sweep", script: ScriptSettings, signature: Signature
) -> Iterator[Problem]:
    names = {*signature.names}
    written: dict[str, Path] = {name: ("training", "values", name) for name in script.values}
    written |= {name: ("space", name) for name in sweep.space_.names}
    for name, path in written.items():
        if name not in names and not signature.is_open:
            yield path, f"is no parameter of {script.function}{tuple(signature.names)}"
    always = {*GIVEN, *script.values}
    for name in signature.required:
        if name not in always and any(name not in trial for trial in sweep.trials()):
            fix = "search it under space, or give it a value in training.values"
            yield ("training", "function"), f"nothing fills its parameter {name}: {fix}"
    if not names & {*_SAMPLES} and not signature.is_open:
        problem = "has no parameter train_list: every rung would train on the same samples"
        yield ("training", "function"), problem
    if sweep.halving.continue_ == "warm" and "init_from" not in names:
        yield ("halving", "continue"), "warm needs a parameter init_from of the function"
