"""How a planned sweep uses the slots of its trials, as sentences."""

from collections.abc import Callable, Iterator
from functools import partial

from searchctl.orchestrator.facts.text import counted
from searchctl.orchestrator.planning.cost import Span
from searchctl.orchestrator.planning.occupancy.plan_use import Occupancy, OneLadder
from searchctl.orchestrator.terminal.plans.numbers import clock, spread


def occupancy_report(found: Occupancy) -> Iterator[str]:
    """Yield the wall time and the idle share, and the ladder that would do as well."""
    write = partial(spread, write=clock) if found.measured else _trainings
    assumed = "" if found.measured else ", if all trials are equally fast (else longer)"
    yield (
        f"With {counted(found.slots, 'trial')} at a time, it takes {write(found.use.wall)} from "
        f"start to end, and {_percent(found.use.idle)} of the slots' time is idle{assumed}."
    )
    if found.instead:
        yield _instead(found.instead, write)


def _instead(one: OneLadder, write: Callable[[Span], str]) -> str:
    ladder, wall = one.ladder, Span.exactly(one.use.wall.expected)
    return (
        f"One ladder would do as well: `search: {{trials: {ladder.trials}}}` with `halving: "
        f"{{finalists: {ladder.rungs[-1].trials}}}` costs {float(ladder.full_trainings):g} full "
        f"trainings, takes {write(wall)}, and {_percent(one.use.idle)} is idle. Cohorts "
        "with equal ladders pay where later ones learn from earlier ones (`method: tpe`)."
    )


def _trainings(span: Span) -> str:
    """Write a number of full trainings.

    >>> _trainings(Span(7, 7, 7)), _trainings(Span(5.2, 6.75, 123.4))
    ('7 full trainings', '6.8 (5.2-123) full trainings')
    """
    return f"{spread(span, _count)} full trainings"


def _count(count: float) -> str:
    return f"{count:.0f}" if count >= 100 else f"{count:.1f}".removesuffix(".0")


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"
