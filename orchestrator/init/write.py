"""Writes the first files of a project: secrets for the containers, and a sample sweep."""

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
    """Written files, and existing files that were kept unchanged."""

    written: list[Path]
    kept: list[Path]
    warnings: list[str]


def env_text(secret: str | None = None) -> str:
    """Return the text of a .env with random secrets, or with `secret` for all of them."""
    lines = (f"{name}={value}" for name, value in env_values(secret).items())
    return _template("env.txt").replace("{secrets}", "\n".join(lines))


def write_first_files(folder: Path) -> FilesWritten:
    """Write the missing files. Existing files are never changed.

    Raises:
        SearchctlError: a file cannot be written.
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
    # Created with its final mode: no other user can read a secret in between.
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w") as file:
        file.write(text)
    return path


def _warnings(env: Path) -> list[str]:
    """Return the problems of an existing .env, which is kept unchanged."""
    if not env.is_file():
        return []
    found = []
    if SAMPLE in env.read_text(errors="replace"):
        found.append(f"{env} has the sample's secrets, which no container accepts: remove it")
    if others_may_read(env):
        found.append(f"other users can read the secrets in {env}: run `chmod 600 {env}`")
    return found


def _template(name: str) -> str:
    return (files("searchctl.orchestrator.init") / "templates" / name).read_text()
