"""Files and variables with secrets: may others read them, can they be guessed?"""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from searchctl.orchestrator.config.locations import URL_FILE_VARIABLE
from searchctl.orchestrator.core.secret_files import others_may_read
from searchctl.orchestrator.doctor.finding import About, Finding, error, ok, warning
from searchctl.orchestrator.init.secrets import SAMPLE
from searchctl.orchestrator.web.access import LEAST, TOKEN_VARIABLE

_NAMED = (URL_FILE_VARIABLE, "RAY_AUTH_TOKEN_PATH", "PGPASSFILE")
"""Variables that name a file with a secret."""
_USUAL = ("~/.ray/auth_token", "~/.pgpass", ".env")
_FEWEST_KINDS = 8
"""Different characters of a token that was drawn, at the very least."""


def check_secrets(about: About, environment: Mapping[str, str] = os.environ) -> Iterator[Finding]:
    """Look at every file and variable that we know may hold one. Never quotes them."""
    found = [*_files(environment), *_tokens(environment)]
    yield from found or [ok("secrets", "no file or token with one, or none that others may read")]


def _files(environment: Mapping[str, str]) -> Iterator[Finding]:
    named = {Path(environment[name]): name for name in _NAMED if environment.get(name)}
    usual = [Path(name).expanduser() for name in _USUAL]
    for file, name in named.items():
        if not file.is_file():
            yield error("secrets", f"${name} names {file}, which is no file", f"unset ${name}")
    for file in (each for each in (*named, *usual) if each.is_file()):
        if others_may_read(file):
            yield error("secrets", f"others may read {file}", f"chmod 600 {file}")
        if _holds_sample(file):
            fix = "remove it, then `searchctl init` draws its own"
            yield error("secrets", f"{file} holds the sample's secrets, which everybody knows", fix)


def _holds_sample(file: Path) -> bool:
    return file.name == ".env" and SAMPLE in file.read_text(errors="replace")


def _tokens(environment: Mapping[str, str]) -> Iterator[Finding]:
    for name in (TOKEN_VARIABLE, "RAY_AUTH_TOKEN"):
        token = environment.get(name)
        if token and (len(token) < LEAST or len(set(token)) < _FEWEST_KINDS):
            fix = "draw one: python -c 'import secrets; print(secrets.token_urlsafe(32))'"
            yield warning("secrets", f"${name} can be guessed", fix)
