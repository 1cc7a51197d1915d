"""Checks Python, the installed packages, and the limits of this machine."""

import os
import resource
import shutil
import sys
from collections.abc import Iterable, Iterator
from importlib.metadata import distribution, requires, version
from pathlib import Path

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from searchctl.orchestrator.config.fingerprint import installed
from searchctl.orchestrator.doctor.finding import About, Finding, error, ok, warning
from searchctl.orchestrator.doctor.finding import error as error_


def check_packages(about: About) -> Iterator[Finding]:
    """Check that all required packages are installed in supported versions."""
    needed = [Requirement(line) for line in requires("searchctl") or ()]
    always = [each for each in needed if _applies(each)]
    optional = [each for each in needed if not _applies(each) and installed(each.name)]
    found = list(misfits([*always, *optional]))
    if not found:
        shown = ", ".join(f"{name} {version(name)}" for name in ("torch", "ray", "optuna"))
        yield ok("packages", f"searchctl {version('searchctl')}, {shown}; {len(always)} in all")
    yield from found


def misfits(needed: Iterable[Requirement]) -> Iterator[Finding]:
    """Yield an error for each requirement that is missing or has an unsupported version."""
    for each in {str(one.name) + str(one.specifier): one for one in needed}.values():
        have = installed(each.name)
        if have is None or not each.specifier.contains(have, prereleases=True):
            found = f"{each.name} {have or 'is missing'}, {each.specifier or 'any'} is needed"
            yield error("packages", found, f"pip install '{each.name}{each.specifier}'")


def _applies(requirement: Requirement) -> bool:
    return requirement.marker is None or requirement.marker.evaluate({"extra": ""})


SHARED_MEMORY = Path("/dev/shm")
LEAST_SHARED = 10**9
"""Minimum bytes of shared memory for Ray's object store. Containers have 64 MB by default."""
LEAST_FILES = 4096
"""Minimum limit of open files. Ray's processes open many, and each worker adds some."""


def check_python(about: About) -> Iterator[Finding]:
    """Check the version of Python."""
    required = SpecifierSet(distribution("searchctl").metadata["Requires-Python"] or "")
    version = sys.version.split()[0]
    found = f"{version} ({sys.executable})"
    if required.contains(version, prereleases=True):
        yield ok("Python", found)
    else:
        fix = f"create an environment with Python {required}"
        yield error_("Python", f"{found}, not {required}", fix)


def check_shared_memory(about: About, place: Path = SHARED_MEMORY) -> Iterator[Finding]:
    """Check the size of the shared memory, where Ray has its object store."""
    if not place.is_dir():
        return
    size = shutil.disk_usage(place).total
    found = f"{place} has {size / 1e9:.1f} GB"
    if size >= LEAST_SHARED:
        yield ok("shared memory", found)
    else:
        fix = "start the container with --shm-size=2g (shm_size: 2g in a compose file)"
        yield warning("shared memory", f"{found}: Ray would use the disk, which is slow", fix)


def check_open_files(about: About) -> Iterator[Finding]:
    """Check the limit of open files per process."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= LEAST_FILES:
        yield ok("open files", f"{soft} per process, {os.cpu_count()} cores")
        return
    fix = f"`ulimit -n {min(hard, 65536)}` before launch, or LimitNOFILE= of the service"
    yield warning("open files", f"{soft} per process, Ray needs {LEAST_FILES} or more", fix)
