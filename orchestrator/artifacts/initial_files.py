"""The files of weights that a sweep's trials begin with: copied when it is launched.

    <runs>/<sweep>/initial/<first 16 digits of the SHA-256>.safetensors

With a copy, a sweep's numbers do not depend on what becomes of the original, which is replaced or
removed some day; and every node that sees the sweep's files sees it.
"""

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from typing import Self

from sqlalchemy import Engine
from upath import UPath

from searchctl.orchestrator.artifacts.named_weights import (
    Named,
    blaming,
    checkpoint_file,
    encoder_file,
    is_file_name,
    naming,
)
from searchctl.orchestrator.config.sweep import Sweep
from searchctl.orchestrator.core.errors import SearchctlError
from searchctl.orchestrator.storage.rows import SweepRow
from searchctl.searchspace import Params
from searchctl.trainer.core.atomic_files import read_file, write_atomically
from searchctl.trainer.settings.training import TrainSettings

FOLDER = "initial"
"""Where the copies are, in the sweep's directory."""

_ASKED = ("model", "encoder", "init", "weights")
_DIGITS = 16


@dataclass(frozen=True)
class InitialFile:
    """The copy of one file."""

    file: str
    """Where it is, relative to the sweep's directory."""
    sha256: str
    source: str
    """What it is a copy of, for people."""
    path: str
    """Where the original was."""

    def __post_init__(self) -> None:
        """Refuse a place that no launch has chosen: files are written there.

        Raises:
            SearchctlError: it is not in the directory of the copies.
        """
        if not re.fullmatch(rf"{FOLDER}/[0-9a-f]{{{_DIGITS}}}(\.\w+)?", self.file, re.ASCII):
            raise SearchctlError(
                f"the database names '{self.file}' as a copy of {self.source}, which is no place "
                "for one: it was changed by hand; restore a backup"
            )


@dataclass(frozen=True)
class InitialFiles:
    """All files that the trials of a sweep begin with."""

    runs: UPath
    """Directory of the sweep's files."""
    files: Mapping[str, InitialFile]
    """By the setting that names them, as it is written; an encoder's of a directory by 'DIRECTORY
    for ENCODER' (or MODEL, for the model's own encoder), a download by 'pretrained ENCODER'."""

    @classmethod
    def stored(cls, runs: UPath, row: SweepRow) -> Self:
        """Return those that are stored with a sweep."""
        return cls(runs, {name: InitialFile(**each) for name, each in row.initial_files.items()})

    def to_json(self) -> dict[str, dict[str, str]]:
        """Return what is stored with the sweep."""
        return {name: asdict(file) for name, file in self.files.items()}

    def of(self, settings: TrainSettings) -> dict[str, InitialFile]:
        """Return the files that a trial begins with, by the setting that names them."""
        names = (settings.init, _encoder_name(settings))
        return {name: self.files[name] for name in names if name in self.files}

    def checkpoint(self, settings: TrainSettings) -> UPath | None:
        """Return the weights of the whole network that a trial begins with, if it does."""
        return self._copy(settings.init)

    def encoder(self, settings: TrainSettings) -> UPath | None:
        """Return the file of the pretrained encoder that a trial begins with, if it does."""
        return self._copy(_encoder_name(settings))

    def named_in(self, settings: TrainSettings) -> TrainSettings:
        """Return settings that name the copies, and so mean the same without the database."""
        return naming(settings, self.checkpoint(settings), self.encoder(settings))

    def by_their_origin(self, text: str) -> str:
        """Return a text about copies with the names of what they are copies of."""
        for file in self.files.values():
            text = text.replace(str(self.runs / file.file), file.path)
        return text

    def _copy(self, name: str) -> UPath | None:
        return self.runs / self.files[name].file if name in self.files else None


def settle_initial_files(
    sweep: Sweep, engine: Engine, runs: UPath, row: SweepRow | None = None
) -> InitialFiles:
    """Copy every file that a trial begins with, unless its copy is there.

    Args:
        sweep: the sweep.
        engine: its database, where the sweeps are that it may begin with.
        runs: directory of its files.
        row: the stored sweep, if it goes on: what a name meant at the launch, it means for ever.

    Raises:
        SearchctlError: what a setting names is not there, or the copy is gone and the original has
            changed since the launch; or the copy cannot be written.
        SettingsError: a directory of encoders has none of a trial's.
    """
    stored = InitialFiles.stored(runs, row).files if row else {}
    files = {}
    for name, find in _wanted(sweep, engine).items():
        with blaming(name):
            kept = stored.get(name)
            files[name] = _restored(kept, runs) if kept else _copied(find(), runs)
    return InitialFiles(runs, files)


def _wanted(sweep: Sweep, engine: Engine) -> dict[str, Callable[[], Named]]:
    """Return how to find each file that a trial begins with, by the name in `InitialFiles`."""
    wanted: dict[str, Callable[[], Named]] = {}
    for settings in _distinct(sweep):
        if settings.checkpoint is not None:
            find = partial(checkpoint_file, settings.checkpoint, sweep.name, engine)
            wanted[settings.init] = find
        elif settings.init == "pretrained":
            wanted[_encoder_name(settings)] = partial(encoder_file, settings)
    return wanted


def _distinct(sweep: Sweep) -> list[TrainSettings]:
    """Return the trials' settings, once for all that agree in what is asked here."""
    asked = ({n: v for n, v in trial.items() if n in _ASKED} for trial in sweep.trials())
    return [sweep.training.with_params(each) for each in dict.fromkeys(map(Params, asked))]


def _encoder_name(settings: TrainSettings) -> str:
    """Return the name in `InitialFiles` of a trial's pretrained encoder."""
    encoder = settings.encoder or settings.model
    if settings.weights is None:
        return f"pretrained {encoder}"
    return (
        settings.weights if is_file_name(settings.weights) else f"{settings.weights} for {encoder}"
    )


def _copied(original: Named, runs: UPath) -> InitialFile:
    content = read_file(original.path)
    sha256 = hashlib.sha256(content).hexdigest()
    file = f"{FOLDER}/{sha256[:_DIGITS]}{original.path.suffix}"
    write_atomically(runs / file, content)
    return InitialFile(file, sha256, original.source, str(original.path))


def _restored(file: InitialFile, runs: UPath) -> InitialFile:
    """See to it that a copy is what it was at the launch."""
    copy, original = runs / file.file, UPath(file.path)
    if _content(copy, file.sha256) is None:
        content = _content(original, file.sha256)
        if content is None:
            raise SearchctlError(
                f"{copy} is gone or damaged, and {original} is no longer what was copied: put the "
                f"file with the SHA-256 {file.sha256} back to one of these places"
            )
        write_atomically(copy, content)
    return file


def _content(path: UPath, sha256: str) -> bytes | None:
    """Return the content of a file; None if there is none, or another one."""
    try:
        content = read_file(path)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return None
    return content if hashlib.sha256(content).hexdigest() == sha256 else None
