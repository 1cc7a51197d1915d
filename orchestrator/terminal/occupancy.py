"""How a planned sweep uses the slots of its trials, as sentences."""

from collections.abc import Callable, Iterator

from searchctl.orchestrator.planning.cost import Span
from searchctl.orchestrator.planning.occupancy.plan_use import Occupancy, OneLadder
from searchctl.orchestrator.terminal.plan import clock, spread


def occupancy_report(found: Occupancy) -> Iterator[str]:
    """Yield the wall time and the idle share, and the ladder that would do as well."""
    write = clock if found.measured else _trainings
    assumed = "" if found.measured else ", if all trials are equally fast (else longer)"
    yield (
        f"With {found.slots} trials at a time, it takes {spread(found.use.wall, write)} from start "
        f"to end, and {_percent(found.use.idle)} of the slots' time is idle{assumed}."
    )
    if found.instead:
        yield _instead(found.instead, write)


def _instead(one: OneLadder, write: Callable[[float], str]) -> str:
    ladder, wall = one.ladder, Span.exactly(one.use.wall.expected)
    return (
        f"One ladder would do as well: `search: {{trials: {ladder.trials}}}` with `halving: "
        f"{{finalists: {ladder.rungs[-1].trials}}}` costs {float(ladder.full_trainings):g} full "
        f"trainings, takes {spread(wall, write)}, and {_percent(one.use.idle)} is idle. Cohorts "
        "with equal ladders pay where later ones learn from earlier ones (`method: tpe`)."
    )


def _trainings(count: float) -> str:
    """Write a number of full trainings.

    >>> _trainings(7), _trainings(6.75), _trainings(123.4)
    ('7 full trainings', '6.8 full trainings', '123 full trainings')
    """
    return (
        f"{count:.1f}".removesuffix(".0") + " full trainings"
        if count < 100
        else f"{count:.0f} full trainings"
    )


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"
