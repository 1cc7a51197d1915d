"""Runs all checks of the doctor in order."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from searchctl.orchestrator.config.load import load_sweep
from searchctl.orchestrator.config.locations import database_url
from searchctl.orchestrator.config.sweep import Sweep
from searchctl.orchestrator.core.errors import SearchctlError
from searchctl.orchestrator.doctor.cluster import check_ray
from searchctl.orchestrator.doctor.database import check_database
from searchctl.orchestrator.doctor.files import check_data, check_runs
from searchctl.orchestrator.doctor.finding import About, Check, Finding, error
from searchctl.orchestrator.doctor.machine import (
    check_open_files,
    check_packages,
    check_python,
    check_shared_memory,
)
from searchctl.orchestrator.doctor.secrets import check_secrets
from searchctl.orchestrator.doctor.torch_devices import check_devices

CHECKS: dict[str, Check] = {
    "Python": check_python,
    "packages": check_packages,
    "devices": check_devices,
    "shared memory": check_shared_memory,
    "open files": check_open_files,
    "database": check_database,
    "runs": check_runs,
    "data": check_data,
    "secrets": check_secrets,
    "Ray": check_ray,
}
"""Checks by topic."""

_SECRET_NAMES = ("TOKEN", "PASSWORD", "SECRET")


def examine(about: About, checks: Mapping[str, Check] = CHECKS) -> Iterator[Finding]:
    """Run all checks. An error in a check is a finding and does not stop the others.

    Secrets are removed from all findings.
    """
    hidden = _secrets(about)
    for name, check in checks.items():
        try:
            for finding in check(about):
                yield _without(hidden, finding)
        except Exception as failure:
            words = (str(failure).strip().splitlines() or [""])[0]
            found = f"the check failed: {type(failure).__name__}: {words}"
            fix = "fix the named cause; if there is none on your side, please report this"
            yield _without(hidden, Finding("error", name, found, fix))


def _secrets(about: About) -> list[str]:
    """Return the secrets that no finding may quote."""
    given = [value for name, value in os.environ.items() if _is_secret(name) and len(value) > 3]
    try:
        password = make_url(about.url or "").password
    except ArgumentError:  # any part of it may be a password
        return [about.url, *given] if about.url else given
    return [str(password), *given] if password else given


def _is_secret(name: str) -> bool:
    return any(part in name.upper() for part in _SECRET_NAMES) and not name.endswith("_PATH")


def _without(hidden: list[str], finding: Finding) -> Finding:
    found, fix = finding.found, finding.fix
    for secret in hidden:
        found, fix = found.replace(secret, "***"), fix.replace(secret, "***")
    return Finding(finding.level, finding.what, found, fix)


def examined(file: Path | None, db: str | None, address: str | None) -> Iterator[Finding]:
    """Run all checks for a sweep file, a database and a cluster.

    An invalid sweep file or database URL is a finding and does not stop the other checks.
    """
    sweep: Sweep | None = None
    url: str | None = None
    try:
        sweep = load_sweep(file) if file else None
    except SearchctlError as failure:
        yield error("sweep file", str(failure), "fix these lines; `searchctl validate` checks them")
    try:
        url = database_url(db, sweep.storage.database_url() if sweep else None)
    except KeyError as failure:
        fix = f"export {failure.args[0]}=..., or name the database with --db"
        yield error("database", f"storage.url needs ${failure.args[0]}, which is not set", fix)
    except SearchctlError as failure:
        found, _, fix = str(failure).partition(": ")
        yield error("database", found, fix)
    where = address or (sweep.resources.address if sweep else None)
    yield from examine(About(url, None if where == "local" else where, sweep, file))
