"""The files with which one begins: secrets for the containers, and a first sweep."""

import os
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from searchctl.orchestrator.core.errors import SearchctlError
from searchctl.orchestrator.core.secret_files import others_may_read
from searchctl.orchestrator.init.secrets import SAMPLE, env_values

ENV = ".env"
SWEEP = "sweeps/first.yaml"
_OWN = 0o600
_SHARED = 0o644


@dataclass(frozen=True)
class FilesWritten:
    """What was written, and what was there before and is as it was."""

    written: list[Path]
    kept: list[Path]
    warnings: list[str]


def env_text(secret: str | None = None) -> str:
    """Return the text of a .env: with secrets that are drawn, or one in place of them all."""
    lines = (f"{name}={value}" for name, value in env_values(secret).items())
    return _template("env.txt").replace("{secrets}", "\n".join(lines))


def write_first_files(folder: Path) -> FilesWritten:
    """Write the files that are not there yet; a file that is there is never changed.

    Raises:
        SearchctlError: one cannot be written.
    """
    texts = {ENV: (env_text(), _OWN), SWEEP: (_template("sweep.yaml"), _SHARED)}
    started = FilesWritten([], [], _warnings(folder / ENV))
    for name, (text, mode) in texts.items():
        path = folder / name
        if path.exists():
            started.kept.append(path)
            continue
        try:
            started.written.append(_write_new(path, text, mode))
        except OSError as error:
            raise SearchctlError(
                f"cannot write {path} ({error.strerror}): name a directory that can be written"
            ) from error
    return started


def _write_new(path: Path, text: str, mode: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    # of its mode from the first moment on: nobody reads a secret in between
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w") as file:
        file.write(text)
    return path


def _warnings(env: Path) -> list[str]:
    """Say what is wrong with a .env that is there, and stays as it is."""
    if not env.is_file():
        return []
    found = []
    if SAMPLE in env.read_text(errors="replace"):
        found.append(f"{env} holds the sample's secrets, with which no container starts: remove it")
    if others_may_read(env):
        found.append(f"others may read the secrets of {env}: run `chmod 600 {env}`")
    return found


def _template(name: str) -> str:
    return (files("searchctl.orchestrator.init") / "templates" / name).read_text()
