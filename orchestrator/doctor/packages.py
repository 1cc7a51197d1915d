"""The packages that searchctl says it needs, beside those that are installed."""

from collections.abc import Iterable, Iterator
from importlib.metadata import requires, version

from packaging.requirements import Requirement

from searchctl.orchestrator.config.fingerprint import installed
from searchctl.orchestrator.doctor.finding import About, Finding, error, ok


def check_packages(about: About) -> Iterator[Finding]:
    """Is each package there that searchctl needs, of a version that it runs with?"""
    needed = [Requirement(line) for line in requires("searchctl") or ()]
    always = [each for each in needed if _applies(each)]
    optional = [each for each in needed if not _applies(each) and installed(each.name)]
    found = list(misfits([*always, *optional]))
    if not found:
        shown = ", ".join(f"{name} {version(name)}" for name in ("torch", "ray", "optuna"))
        yield ok("packages", f"searchctl {version('searchctl')}, {shown}; {len(always)} in all")
    yield from found


def misfits(needed: Iterable[Requirement]) -> Iterator[Finding]:
    """Say which of these are missing, or of a version that does not fit."""
    for each in {str(one.name) + str(one.specifier): one for one in needed}.values():
        have = installed(each.name)
        if have is None or not each.specifier.contains(have, prereleases=True):
            found = f"{each.name} {have or 'is missing'}, {each.specifier or 'any'} is needed"
            yield error("packages", found, f"pip install '{each.name}{each.specifier}'")


def _applies(requirement: Requirement) -> bool:
    return requirement.marker is None or requirement.marker.evaluate({"extra": ""})
