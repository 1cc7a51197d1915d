"""Conditions on trials (`search.where`): whether they can be evaluated, and which points hold."""

from collections import ChainMap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from searchctl.orchestrator.config.parsing.conditions import Condition
from searchctl.orchestrator.config.parsing.expressions import ExpressionError
from searchctl.orchestrator.config.sections.sweep import SearchSettings
from searchctl.searchspace import Params, Space
from searchctl.searchspace.draws.drawing import Allowed
from searchctl.searchspace.errors import Path, Problem, SpaceError, unknown
from searchctl.searchspace.values import Value
from searchctl.trainer.settings.options.model_options import NETWORK

PARAMETERS = "parameters"
"""The name that stands for the number of a network's parameters in conditions."""

if TYPE_CHECKING:
    from searchctl.orchestrator.config.sweep import Sweep


@dataclass(frozen=True)
class Where:
    """The conditions of a search, as a test of points."""

    conditions: Sequence[Condition]
    defaults: Mapping[str, Value]
    """Values of the settings that a point does not have."""
    counts: Mapping[str, int]
    """Parameters of the networks that were counted, by `network_of`. A condition on the parameters
    of another network is taken to hold until the launch has counted, and never afterwards."""
    all_counted: bool = False

    def __call__(self, point: Params) -> bool:
        """Return whether all conditions hold for a point.

        Raises:
            SpaceError: a condition cannot be evaluated.
        """
        values = ChainMap(dict(point), {**self.defaults})
        if count := self.counts.get(network_of(point)):
            values = ChainMap(values, {PARAMETERS: count})
        for number, condition in enumerate(self.conditions):
            try:
                known = condition.names <= values.keys()
                if (known and not condition(values)) or (self.all_counted and not known):
                    return False
            except ExpressionError as error:
                shown = ", ".join(f"{name} {value}" for name, value in point.items())
                raise SpaceError((("where", number), f"{error} (trial with {shown})")) from None
        return True


def after_launch(allowed: Allowed) -> Allowed:
    """Return a test of points for later cohorts: of networks, only counted ones are allowed."""
    return replace(allowed, all_counted=True) if isinstance(allowed, Where) else allowed


def where_of(search: SearchSettings, space: Space, counts: Mapping[str, int]) -> Where | None:
    """Return the conditions of a search, which must have no problems; None if it has none."""
    conditions = [Condition(text) for text in search.where]
    return Where(conditions, space.defaults, counts) if conditions else None


def network_of(point: Params) -> str:
    """Return the params that determine a trial's network, as canonical JSON."""
    return Params({n: v for n, v in point.items() if n.partition(".")[0] in NETWORK}).to_json()


def counted_conditions(search: SearchSettings, space: Space) -> list[int]:
    """Return the numbers of the conditions that need the parameters of networks."""
    if PARAMETERS in {*space.names, *space.defaults}:
        return []  # a name of a script's own
    return [n for n, text in enumerate(search.where) if PARAMETERS in Condition(text).names]


def where_problems(search: SearchSettings, space: Space, *, by_script: bool) -> Iterator[Problem]:
    """Yield why conditions cannot be evaluated; the paths are relative to `search`."""
    names = sorted({*space.names, *space.defaults, *(() if by_script else (PARAMETERS,))})
    for number, text in enumerate(search.where):
        path: Path = ("where", number)
        try:
            wrong = Condition(text).names - {*names}
        except ExpressionError as error:
            yield path, str(error)
            continue
        for name in sorted(wrong):
            yield path, _unknown(name, names)


def _unknown(name: str, names: Sequence[str]) -> str:
    message = unknown("name", name, names)
    if "did you mean" in message:
        return message
    return f"'{name}' is no axis and no training setting; a text stands in quotes: '{name}'"


def draw_problems(sweep: "Sweep") -> list[Problem]:
    """Draw the trials; return why conditions leave too few, or leave out a known point."""
    search = sweep.search
    try:
        count, known = len(sweep.points), sweep.prior.known
    except SpaceError as error:
        return [(("search", *path), message) for path, message in error.problems]
    refused: list[Problem] = [
        (("search", "known", n), _of_known(Params(search.known[n]), search, sweep.space_))
        for n in known.refused
    ]
    wanted = sum(search.sizes) or 1
    if refused or not search.where or count >= (wanted if sweep.space_.unbounded else 1):
        return refused
    found = f"only {count} of {wanted} trials satisfy it" if count else "no trial satisfies it"
    why = "fewer than about 1 in 1,000 points do" if sweep.space_.unbounded else "no point does"
    return [(("search", "where"), f"{found}: {why}; loosen it, or change the ranges of space:")]


def _of_known(given: Params, search: SearchSettings, space: Space) -> str:
    """Say which condition a known point does not satisfy, if its own values show it."""
    fixed = {name: value for name, value in space.defaults.items() if name not in space.names}
    values = ChainMap(dict(given), fixed)
    for text in search.where:
        condition = Condition(text)
        if condition.names <= values.keys() and not condition(values):
            return f"does not satisfy search.where ({text}): change one of the two"
    return "no trial with these values satisfies search.where: change one of the two"
