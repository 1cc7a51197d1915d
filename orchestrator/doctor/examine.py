"""The checks, in the order in which they are made."""

import os
from collections.abc import Iterator, Mapping

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from searchctl.orchestrator.doctor.cluster import check_ray
from searchctl.orchestrator.doctor.database import check_database
from searchctl.orchestrator.doctor.files import check_data, check_runs
from searchctl.orchestrator.doctor.finding import About, Check, Finding
from searchctl.orchestrator.doctor.machine import (
    check_open_files,
    check_python,
    check_shared_memory,
)
from searchctl.orchestrator.doctor.packages import check_packages
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
"""What is looked at -> who looks."""

_SECRET_NAMES = ("TOKEN", "PASSWORD", "SECRET")


def examine(about: About, checks: Mapping[str, Check] = CHECKS) -> Iterator[Finding]:
    """Make all checks; one that fails is a finding, and hides no other. Shows no secret."""
    hidden = _secrets(about)
    for name, check in checks.items():
        try:
            for finding in check(about):
                yield _without(hidden, finding)
        except Exception as failure:
            words = (str(failure).strip().splitlines() or [""])[0]
            found = f"could not be looked at: {type(failure).__name__}: {words}"
            mend = "mend what it names; if that is no fault of yours, please report it"
            yield _without(hidden, Finding("error", name, found, mend))


def _secrets(about: About) -> list[str]:
    """Return what no finding may quote, whatever an error's words hold."""
    given = [value for name, value in os.environ.items() if _is_secret(name) and len(value) > 3]
    try:
        password = make_url(about.url or "").password
    except ArgumentError:  # any part of it may be a password
        return [about.url, *given] if about.url else given
    return [str(password), *given] if password else given


def _is_secret(name: str) -> bool:
    return any(part in name.upper() for part in _SECRET_NAMES) and not name.endswith("_PATH")


def _without(hidden: list[str], finding: Finding) -> Finding:
    found, mend = finding.found, finding.mend
    for secret in hidden:
        found, mend = found.replace(secret, "***"), mend.replace(secret, "***")
    return Finding(finding.level, finding.what, found, mend)
