"""Copies of the initial weights of a sweep's trials, made at its launch.

    <runs>/<sweep>/initial/<first 16 digits of the SHA-256>.safetensors

With copies, a sweep's results do not depend on the originals, which may be replaced or removed
later. Every node that sees the sweep's files also sees the copies.
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from typing import Self

from sqlalchemy import Engine
from upath import UPath

from searchctl.orchestrator.artifacts.named_weights import (
    WeightFile,
    checkpoint_file,
    encoder_file,
    error_context,
    is_file_name,
    with_files,
)
from searchctl.orchestrator.config.sweep import Sweep
from searchctl.orchestrator.core.errors import SearchctlError
from searchctl.orchestrator.storage.rows import SweepRow
from searchctl.searchspace import Params
from searchctl.trainer.core.atomic_files import read_file, write_atomically
from searchctl.trainer.models.catalog import EncoderOptions
from searchctl.trainer.settings.training import TrainSettings

FOLDER = "initial"
"""Directory of the copies in the sweep's directory."""

_WEIGHT_SETTINGS = ("model", "encoder", "init", "weights")
"""Settings that determine which files of weights a trial needs."""
_DIGITS = 16
"""Digits of the SHA-256 in a copy's file name."""


@dataclass(frozen=True)
class InitialFile:
    """The copy of one file."""

    file: str
    """Path of the copy, relative to the sweep's directory."""
    sha256: str
    source: str
    """Description of the original, for messages."""
    path: str
    """Path of the original."""

    def __post_init__(self) -> None:
        """Check the path: files are written there, and it may come from the database.

        Raises:
            SearchctlError: the path is not in the directory of the copies.
        """
        if not re.fullmatch(rf"{FOLDER}/[0-9a-f]{{{_DIGITS}}}(\.\w+)?", self.file, re.ASCII):
            raise SearchctlError(
                f"the database has '{self.file}' as the copy of {self.source}, which is not a "
                "valid path of a copy: it was changed by hand; restore a backup"
            )


@dataclass(frozen=True)
class InitialFiles:
    """All files of initial weights of a sweep's trials."""

    runs: UPath
    """Directory of the sweep's files."""
    files: Mapping[str, InitialFile]
    """Files by the value of the setting that names them. The key is 'DIRECTORY for ENCODER' for an
    encoder from a directory and 'pretrained ENCODER' for a download. ENCODER is the model's name
    for the model's default encoder."""

    @classmethod
    def stored(cls, runs: UPath, row: SweepRow) -> Self:
        """Return the files that are stored with a sweep."""
        return cls(runs, {name: InitialFile(**each) for name, each in row.initial_files.items()})

    def to_json(self) -> dict[str, dict[str, str]]:
        """Return the JSON values that are stored with the sweep."""
        return {name: asdict(file) for name, file in self.files.items()}

    def of(self, settings: TrainSettings) -> dict[str, InitialFile]:
        """Return a trial's files of initial weights, by their key in `files`."""
        names = (settings.init, _encoder_name(settings))
        return {name: self.files[name] for name in names if name in self.files}

    def checkpoint(self, settings: TrainSettings) -> UPath | None:
        """Return the file of a trial's initial weights for the whole network, if it has one."""
        return self._copy(settings.init)

    def encoder(self, settings: TrainSettings) -> UPath | None:
        """Return the file of a trial's pretrained encoder, if it has one."""
        return self._copy(_encoder_name(settings))

    def named_in(self, settings: TrainSettings) -> TrainSettings:
        """Return settings that refer to the copies, so that they work without the database."""
        return with_files(settings, self.checkpoint(settings), self.encoder(settings))

    def by_their_origin(self, text: str) -> str:
        """Return a message with the paths of copies replaced by those of their originals."""
        for file in self.files.values():
            text = text.replace(str(self.runs / file.file), file.path)
        return text

    def _copy(self, name: str) -> UPath | None:
        return self.runs / self.files[name].file if name in self.files else None


def settle_initial_files(
    sweep: Sweep,
    engine: Engine,
    runs: UPath,
    row: SweepRow | None = None,
    *,
    trials: Iterable[Params] | None = None,
) -> InitialFiles:
    """Copy every file of initial weights, unless its copy exists.

    Args:
        sweep: the sweep.
        engine: its database, which also has the sweeps whose weights it may start from.
        runs: directory of its files.
        row: the stored sweep, if it is resumed. Its names keep their meaning from the launch.
        trials: params of the trials; those of the launch, if None.

    Raises:
        SearchctlError: a named file does not exist; or a copy is missing and the original has
            changed since the launch; or a copy cannot be written.
        SettingsError: a directory of encoders has no file for a trial's encoder.
    """
    stored = InitialFiles.stored(runs, row).files if row else {}
    files = {}
    chosen = sweep.trials() if trials is None else trials
    for name, find in _finders(sweep, engine, chosen).items():
        with error_context(name):
            known = stored.get(name)
            files[name] = _restored(known, runs) if known else _copied(find(), runs)
    return InitialFiles(runs, files)


def _finders(
    sweep: Sweep, engine: Engine, trials: Iterable[Params]
) -> dict[str, Callable[[], WeightFile]]:
    """Return a function that finds each file of initial weights, by its key in `InitialFiles`."""
    finders: dict[str, Callable[[], WeightFile]] = {}
    for settings in _distinct(sweep, trials):
        if settings.checkpoint is not None:
            find = partial(checkpoint_file, settings.checkpoint, sweep.name, engine)
            finders[settings.init] = find
        elif settings.init == "pretrained":
            finders[_encoder_name(settings)] = partial(encoder_file, settings)
    return finders


def _distinct(sweep: Sweep, trials: Iterable[Params]) -> list[TrainSettings]:
    """Return the distinct settings of the trials with regard to `_WEIGHT_SETTINGS`."""
    if sweep.script is not None:
        return []
    relevant = ({n: v for n, v in trial.items() if n in _WEIGHT_SETTINGS} for trial in trials)
    return [sweep.recipe.with_params(each) for each in dict.fromkeys(map(Params, relevant))]


def _encoder_name(settings: TrainSettings) -> str:
    """Return the key in `InitialFiles` of a trial's pretrained encoder."""
    encoder = EncoderOptions.of(settings).encoder or settings.model
    if settings.weights is None:
        return f"pretrained {encoder}"
    return (
        settings.weights if is_file_name(settings.weights) else f"{settings.weights} for {encoder}"
    )


def _copied(original: WeightFile, runs: UPath) -> InitialFile:
    content = read_file(original.path)
    sha256 = hashlib.sha256(content).hexdigest()
    file = f"{FOLDER}/{sha256[:_DIGITS]}{original.path.suffix}"
    write_atomically(runs / file, content)
    return InitialFile(file, sha256, original.source, str(original.path))


def _restored(file: InitialFile, runs: UPath) -> InitialFile:
    """Check a copy against its hash from the launch; copy the original again if it differs."""
    copy, original = runs / file.file, UPath(file.path)
    if _content(copy, file.sha256) is None:
        content = _content(original, file.sha256)
        if content is None:
            raise SearchctlError(
                f"{copy} is missing or damaged, and {original} has changed since it was copied: "
                f"restore the file with the SHA-256 {file.sha256} at one of these paths"
            )
        write_atomically(copy, content)
    return file


def _content(path: UPath, sha256: str) -> bytes | None:
    """Return the content of a file; None if it does not exist or its hash differs."""
    try:
        content = read_file(path)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return None
    return content if hashlib.sha256(content).hexdigest() == sha256 else None
