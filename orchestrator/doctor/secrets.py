"""Checks files and environment variables with secrets: file modes, and weak tokens."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from searchctl.orchestrator.config.locations import URL_FILE_VARIABLE
from searchctl.orchestrator.core.secret_files import others_may_read
from searchctl.orchestrator.doctor.finding import About, Finding, error, ok, warning
from searchctl.orchestrator.init.secrets import SAMPLE
from searchctl.orchestrator.web.access import LEAST, TOKEN_VARIABLE

_NAMED = (URL_FILE_VARIABLE, "RAY_AUTH_TOKEN_PATH", "PGPASSFILE")
"""Environment variables that name a file with a secret."""
_USUAL = ("~/.ray/auth_token", "~/.ray/searchctl_token", "~/.pgpass", ".env")
_FEWEST_KINDS = 8
"""Minimum number of different characters of a random token."""


def check_secrets(about: About, environment: Mapping[str, str] = os.environ) -> Iterator[Finding]:
    """Check all known files and variables that may contain a secret, without quoting one."""
    found = [*_files(environment), *_tokens(environment)]
    yield from found or [ok("secrets", "no secret that other users can read or guess")]


def _files(environment: Mapping[str, str]) -> Iterator[Finding]:
    named = {Path(environment[name]): name for name in _NAMED if environment.get(name)}
    usual = [Path(name).expanduser() for name in _USUAL]
    for file, name in named.items():
        if not file.is_file():
            yield error("secrets", f"${name} names {file}, which is not a file", f"unset ${name}")
    for file in (each for each in (*named, *usual) if each.is_file()):
        if others_may_read(file):
            yield error("secrets", f"other users can read {file}", f"chmod 600 {file}")
        if _holds_sample(file):
            fix = "remove it and run `searchctl init`, which writes new secrets"
            yield error("secrets", f"{file} has the public secrets of the sample", fix)


def _holds_sample(file: Path) -> bool:
    return file.name == ".env" and SAMPLE in file.read_text(errors="replace")


def _tokens(environment: Mapping[str, str]) -> Iterator[Finding]:
    for name in (TOKEN_VARIABLE, "RAY_AUTH_TOKEN"):
        token = environment.get(name)
        if token and (len(token) < LEAST or len(set(token)) < _FEWEST_KINDS):
            fix = "generate one: python -c 'import secrets; print(secrets.token_urlsafe(32))'"
            yield warning("secrets", f"${name} can be guessed", fix)
