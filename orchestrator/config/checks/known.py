"""Known points (`search.known`): whether they are points of the space, and what they are there."""

from collections.abc import Iterator, Mapping

from searchctl.orchestrator.config.checks.where import where_of
from searchctl.orchestrator.config.sections.sweep import SearchSettings
from searchctl.orchestrator.draws.points import Prior
from searchctl.searchspace import Params, Space
from searchctl.searchspace.draws.drawing import anything
from searchctl.searchspace.errors import Problem
from searchctl.searchspace.known import Completed


def known_problems(search: SearchSettings, space: Space) -> Iterator[Problem]:
    """Yield why known points cannot be trials; the paths are relative to `search`."""
    for number, point in enumerate(search.known):
        for path, message in space.known_problems(point):
            yield ("known", number, *path), message
    first = next(iter(search.sizes), None)
    if first is not None and len(search.known) > first:
        fix = f"raise it to {len(search.known)} or more, or leave some points out"
        yield ("trials",), f"is below the {len(search.known)} points of known: {fix}"


def prior_of(search: SearchSettings, space: Space, seed: int, counts: Mapping[str, int]) -> Prior:
    """Return what the settings say of the space; their known points must have no problems.

    Args:
        search: the settings.
        space: the space.
        seed: the sweep's seed.
        counts: parameters of the networks that were counted, by `network_of`.
    """
    allowed = where_of(search, space, counts) or anything
    known = space.complete([Params(point) for point in search.known], seed, allowed)
    return Prior(known, search.share_near_known, allowed)


def known_warnings(known: Completed) -> Iterator[str]:
    """Yield which known points are left out because they repeat another one."""
    for number in known.repeated:
        yield f"search.known[{number}] repeats an earlier point: it is left out"
