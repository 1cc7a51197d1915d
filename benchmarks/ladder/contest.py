"""Which strategies are compared on which table."""

from fractions import Fraction
from functools import partial
from typing import Any

from .choices import Choice, Strategy, one
from .strategies import (
    affordable,
    asha,
    grid,
    hyperband,
    ladder,
    ladder_cost,
    over_draws,
    plan,
    prefixes,
    random_search,
    repeated,
)
from .tables import Run, Table
from .tpe import tpe

FEW_VALIDATIONS = 2
"""Epochs at the end that `validate: auto` scores below the last rung."""
REPEATS = 3
"""Seeds of a finalist, where several are trained."""
LADDER = "ladder"
"""The product's default, which the others are compared with."""


def default_settings(table: Table) -> dict[str, Any]:
    """Return the settings of the ladder that all of a table's fidelities allow."""
    return {} if len(table.images) > 3 else {"eta": 4, "finalists": 1}


def strategies(table: Table) -> dict[str, Strategy]:
    """Return every strategy that a table can judge, the default ladder first."""
    settings = default_settings(table)
    base: Strategy = partial(ladder, **settings)
    rungs = plan(table, **settings)
    cost, cheaper = (ladder_cost(table, rungs, last=last) for last in (None, FEW_VALIDATIONS))
    common: dict[str, Strategy] = {
        LADDER: base,
        "ladder, last two validations": partial(ladder, last=FEW_VALIDATIONS, **settings),
        "random search, equal cost": partial(random_search, trials=affordable(table, cost)),
        "random search, cost of the last two": partial(
            random_search, trials=affordable(table, cheaper)
        ),
        "full grid": grid,
    }
    if len(table.images) <= 3:
        return common
    return common | {
        "eta 4": partial(ladder, eta=4),
        "keep ceil": partial(ladder, keep="ceil", min_fraction=Fraction(1, 16)),
        "min_fraction 1/8": partial(ladder, min_fraction=Fraction(1, 8)),
        "min_fraction 1/4": partial(ladder, min_fraction=Fraction(1, 4)),
        "4 finalists": partial(ladder, finalists=4),
        **_repeated(table),
        "prefixes of the full training": prefixes,
        "ASHA, 4 workers": over_draws(asha),
        "Hyperband": over_draws(hyperband),
        "TPE with halving pruner": tpe,
    }


def _repeated(table: Table) -> dict[str, Strategy]:
    """Return the ladders whose finalists have three seeds, if a seed is left to judge them."""
    if len(table.seeds) <= REPEATS:
        return {}
    return {
        f"{n} finalists, mean of {REPEATS} seeds": partial(repeated, finalists=n, repeats=REPEATS)
        for n in (2, 4)
    }


def warm_ladder(warm: Table, run: Run) -> Choice:
    """Choose the winner of the stored ladder of `continue: warm` with the run's seed."""
    seed, table = run.full_seed, run.table
    finalists = {
        t: max(curve)
        for (s, images, t), curve in warm.curves.items()
        if (s, images) == (seed, warm.full) and curve
    }
    return one(run, max(finalists, key=finalists.__getitem__), ladder_cost(table, plan(table)))


DRAWN_ONCE = ("TPE with halving pruner",)
"""Strategies that are run with each seed only, because they are slow."""
