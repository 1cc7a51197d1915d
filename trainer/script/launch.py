"""What a script is started with: its command line, its files, and its environment."""

import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from searchctl.trainer.core.errors import OWN_PACKAGE, SettingsError
from searchctl.trainer.core.seeds import derive_seed
from searchctl.trainer.run.job import TrialJob
from searchctl.trainer.script import reports
from searchctl.trainer.script.command import filled
from searchctl.trainer.script.lists import Lists
from searchctl.trainer.script.report_epoch import REPORT_VARIABLE
from searchctl.trainer.script.settings import ScriptSettings
from searchctl.trainer.settings.source.modules import SourceError
from searchctl.trainer.settings.source.signatures import Signature, read_signature

CODE = "code"
"""Directory of the copy of its code in which a script runs, below the job's."""
_CALL = "searchctl.trainer.script.call"
_INSTALLED = ("site-packages", "dist-packages")


@dataclass(frozen=True)
class Launch:
    """A command that is ready to start."""

    command: list[str]
    directory: Path
    environment: dict[str, str]


def working_directory(job: TrialJob, script: ScriptSettings, out: Path) -> Path:
    """Return the directory in which a script runs: a copy of its code in `out`, if it has any.

    Raises:
        SettingsError: the directory is missing.
        CodeError: a file of its code is missing, or differs from the launch.
    """
    if script.directory is not None:
        if not script.directory.is_dir():
            what = f"training.directory {script.directory} is no directory on this machine"
            raise SettingsError(what)
        return script.directory
    if job.code is None:
        return out
    for name, content in job.code.contents().items():
        path = out / CODE / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return out / CODE


def known_names(script: ScriptSettings, directory: Path) -> frozenset[str]:
    """Return the names that a script takes: its placeholders, or its function's parameters.

    Raises:
        SettingsError: the function is missing.
    """
    if script.function is None:
        return frozenset(script.placeholders)
    return frozenset(_signature(script, directory).names)


def prepare_launch(
    job: TrialJob,
    script: ScriptSettings,
    lists: Lists,
    out: Path,
    directory: Path,
    resumed: Path | None,
    gpus: float,
) -> Launch:
    """Write the script's files to `out`, and return how to start it.

    Args:
        job: what to train.
        script: the script, with the trial's values.
        lists: the samples.
        out: directory of the job's files.
        directory: working directory.
        resumed: directory of an earlier attempt to resume from, if any.
        gpus: GPUs that are set aside.

    Raises:
        SettingsError: the function is missing.
    """
    given = _given(job, script, lists, out, resumed, gpus)
    lists.write(given["train_list"], given["val_list"])
    values = {**script.values, "epochs": script.epochs}
    given["params"].write_text(json.dumps(values, indent=2))
    paths = {name: str(value) for name, value in given.items() if isinstance(value, Path)}
    all_values = {**script.values, **given, **paths}
    if script.command is not None:
        command = filled(script.arguments, all_values)
    else:
        command = _call(script, directory, out, all_values)
    return Launch(command, directory, _environment(given["report"], with_gpus=job.device != "cpu"))


def _given(
    job: TrialJob,
    script: ScriptSettings,
    lists: Lists,
    out: Path,
    resumed: Path | None,
    gpus: float,
) -> dict[str, Any]:
    """Return the values of the placeholders that are always there: see `command.GIVEN`."""
    return {
        "epochs": script.epochs,
        "seed": derive_seed(job.sample.seed, "script", job.sample.images),
        "fraction": job.sample.images / lists.whole,
        "images": len(lists.train),
        "train_list": out / "train.txt",
        "val_list": out / "val.txt",
        "out": out,
        "report": out / reports.FILE,
        "params": out / "params.json",
        "device": job.device or "cuda",
        "gpus": int(gpus) if gpus == int(gpus) else gpus,
        "resume_from": resumed,
        "init_from": None if job.init_from is None else str(job.init_from),
    }


def _call(
    script: ScriptSettings, directory: Path, out: Path, values: Mapping[str, Any]
) -> list[str]:
    """Write the arguments of a function, and return the command that calls it with them."""
    path = out / "arguments.json"
    path.write_text(json.dumps(_arguments(_signature(script, directory), values), indent=2))
    return [sys.executable, "-m", _CALL, script.function or "", str(path)]


def _signature(script: ScriptSettings, directory: Path) -> Signature:
    try:
        return read_signature(script.function or "", directory)
    except SourceError as error:
        raise SettingsError(f"training.function {error}") from None


def _arguments(signature: Signature, values: Mapping[str, Any]) -> dict[str, Any]:
    if signature.is_open:
        return dict(values)
    return {name: value for name, value in values.items() if name in signature.names}


def _environment(report: Path, *, with_gpus: bool) -> dict[str, str]:
    """Return this process's environment, in which `python` and `searchctl` are those of it."""
    environment = {**os.environ, REPORT_VARIABLE: str(report), "PYTHONUNBUFFERED": "1"}
    _prepend(environment, "PATH", str(Path(sys.executable).parent))
    ours = Path(str(files(OWN_PACKAGE))).parent
    if ours.name not in _INSTALLED:  # a checkout, or the code that was sent to a cluster
        environment["PYTHONPATH"] = _joined([environment.get("PYTHONPATH", ""), str(ours)])
    if not with_gpus:
        environment["CUDA_VISIBLE_DEVICES"] = ""
    return environment


def _prepend(environment: dict[str, str], name: str, place: str) -> None:
    environment[name] = _joined([place, environment.get(name, "")])


def _joined(places: Sequence[str]) -> str:
    return os.pathsep.join(filter(None, places))
