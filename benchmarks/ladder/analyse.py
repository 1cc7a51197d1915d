"""Compares strategies on the truth tables, and writes what docs/evidence.md shows.

    python -m benchmarks.ladder.analyse    # benchmarks/results/ladder/*.jsonl -> ladder.json

Every choice is judged by seeds that did not make it: see judge.py. Where a line says `recombined`,
each rung's scores are of a seed drawn at random, which gives more ladders from one table; the
standard error is still that over the seeds of the last rung.
"""

import random
import sys
from collections.abc import Iterator, Mapping
from statistics import fmean, median, stdev
from typing import Any

from benchmarks.ladder.choices import Choice, Strategy
from benchmarks.ladder.contest import (
    DRAWN_ONCE,
    FEW_VALIDATIONS,
    LADDER,
    default_settings,
    strategies,
    warm_ladder,
)
from benchmarks.ladder.judge import Estimate, by_seed, full_scores, others, paired, regret
from benchmarks.ladder.ranks import (
    agreement,
    agreement_by_seeding,
    agreement_of_means,
    by_epochs,
    by_images,
    same_survivors,
    survival,
)
from benchmarks.ladder.strategies import ladder_cost, plan
from benchmarks.ladder.tables import Run, Table
from benchmarks.machine import RESULTS, keep

FOLDER = RESULTS / "ladder"
MIXED_RUNS = 30
"""Recombined runs for each seed of the last rung."""


def main() -> None:
    """Analyse all tables."""
    tables = {name: _read(name) for name in ("fcn", "unet", "finetune", "warm")}
    warm = tables.pop("warm")
    found = {
        name: analysis(table, warm if name == "unet" else None)
        for name, table in tables.items()
        if table is not None
    }
    keep("ladder", found)


def _read(name: str) -> Table | None:
    file = FOLDER / f"{name}.jsonl"
    return Table.read(file) if file.exists() else None


def analysis(table: Table, warm: Table | None = None) -> dict[str, Any]:
    """Return everything that is shown of a table."""
    return {
        "about": {**table.about, "seeds": table.seeds, "jobs": len(table.curves)},
        "spread": spread(table),
        "strategies": compared(table, strategies(table)),
        "warm": [_warm_against_fresh(table, warm, seed) for seed in _seeds(warm)] if warm else [],
        "agreement": _agreement(table),
        "survival": _survival(table),
        "validation": _validation(table),
    }


def _seeds(warm: Table) -> list[int]:
    """Return the seeds of whole ladders, of which only the finalists were trained on all images."""
    return sorted({seed for seed, _, _ in warm.curves})


def _warm_against_fresh(table: Table, warm: Table, seed: int) -> dict[str, float]:
    """Return the regret of a whole ladder of `continue: warm`, and of the default one."""
    run = Run.of(table, seed)
    choices = {"warm": warm_ladder(warm, run), "fresh": strategies(table)[LADDER](run)}
    return {"seed": seed} | {name: round(regret(table, each), 4) for name, each in choices.items()}


def spread(table: Table) -> dict[str, float]:
    """Return how much scores on all images differ between trials, and between seeds of one."""
    means = full_scores(table, table.seeds)
    by_trial = [
        stdev(max(table.curves[seed, table.full, trial], default=0.0) for seed in table.seeds)
        for trial in table.trials
    ]
    return {
        "best": round(max(means.values()), 4),
        "median": round(sorted(means.values())[len(means) // 2], 4),
        "between_trials": round(stdev(means.values()), 4),
        "between_seeds": round(fmean(each**2 for each in by_trial) ** 0.5, 4),
    }


def compared(table: Table, named: Mapping[str, Strategy]) -> dict[str, Any]:
    """Return cost, regret and the difference to the ladder of each strategy."""
    plain = [Run.of(table, seed) for seed in table.seeds]
    mixed = [run for seed in table.seeds for run in recombined(table, seed)]
    base = named[LADDER]
    bases = {id(run): base(run) for run in (*plain, *mixed)}
    grid_cost = len(table.params) * table.cost(table.full)
    found = {}
    for name, strategy in named.items():
        print(f"  {name}", file=sys.stderr)
        choices = [strategy(run) for run in plain]
        found[name] = {
            "cost": round(fmean(choice.cost for choice in choices) / grid_cost, 3),
            "regret": _regret(table, plain, choices).to_json(),
            "difference": _difference(table, plain, choices, bases).to_json(),
            "inflation": by_seed(_inflation(table, plain, choices)).to_json(),
        }
        if name not in DRAWN_ONCE:
            choices = [strategy(run) for run in mixed]
            found[name]["recombined"] = {
                "regret": _regret(table, mixed, choices).to_json(),
                "difference": _difference(table, mixed, choices, bases).to_json(),
            }
    return found


def recombined(table: Table, seed: int) -> list[Run]:
    """Return runs whose last rung has this seed, and whose other rungs have random ones."""
    rng = random.Random(seed)
    return [
        Run(
            table, {images: rng.choice(table.seeds) for images in table.images} | {table.full: seed}
        )
        for _ in range(MIXED_RUNS)
    ]


def _regret(table: Table, runs: list[Run], choices: list[Choice]) -> Estimate:
    pairs = zip(runs, choices, strict=True)
    return by_seed((run.full_seed, regret(table, choice)) for run, choice in pairs)


def _difference(
    table: Table, runs: list[Run], choices: list[Choice], bases: Mapping[int, Choice]
) -> Estimate:
    pairs = zip(runs, choices, strict=True)
    return by_seed((run.full_seed, paired(table, choice, bases[id(run)])) for run, choice in pairs)


def _inflation(table: Table, runs: list[Run], choices: list[Choice]) -> Iterator[tuple[int, float]]:
    """Yield, for each seed, by how much the score that won is above what other seeds give."""
    for run, choice in zip(runs, choices, strict=True):
        full = full_scores(table, others(table, choice.seeds))
        total = sum(choice.odds.values())
        above = ((run.score(trial, table.full) or 0.0) - full[trial] for trial in choice.odds)
        weighted = zip(choice.odds.values(), above, strict=True)
        yield run.full_seed, sum(share * each for share, each in weighted) / total


def _agreement(table: Table) -> dict[str, Any]:
    lengths = [n for n in (1, 2, 4) if n < table.epochs]
    return {
        "steps": {str(n): table.epochs * -(-n // table.batch_size) for n in table.images},
        "median": {str(n): _median(table, n) for n in table.images},
        "images": {str(n): agreement(table, by_images(n)).to_json() for n in table.images},
        "last_two": {
            str(n): agreement(table, by_images(n, last=FEW_VALIDATIONS)).to_json()
            for n in table.images
        },
        "seeding": {str(n): agreement_by_seeding(table, n) for n in table.images[:-1]},
        "means": {str(n): round(agreement_of_means(table, n), 3) for n in table.images},
        "epochs": {str(n): agreement(table, by_epochs(n)).to_json() for n in lengths},
    }


def _median(table: Table, images: int) -> float:
    """Return the median score of the jobs on so many images."""
    jobs = (table.curves[seed, images, trial] for seed in table.seeds for trial in table.trials)
    return round(median(max(curve, default=0.0) for curve in jobs), 3)


def _survival(table: Table) -> dict[str, Any]:
    ladder = plan(table, **default_settings(table))
    return {
        "rungs": [[rung.trials, rung.images] for rung in ladder.rungs],
        **{f"best_{k}": [e.to_json() for e in survival(table, ladder, k)] for k in (1, 3)},
    }


def _validation(table: Table) -> dict[str, Any]:
    """Return what validation costs in the default ladder, in every epoch and in the last two."""
    ladder = plan(table, **default_settings(table))
    without = ladder_cost_of_training(table)
    shares, costs = {}, {}
    for name, last in (("every", None), ("last_two", FEW_VALIDATIONS)):
        costs[name] = ladder_cost(table, ladder, last=last)
        shares[name] = round(1 - without / costs[name], 3)
    same = same_survivors(table, ladder, FEW_VALIDATIONS)
    return {
        "share": shares,
        "saved": round(1 - costs["last_two"] / costs["every"], 3),
        "same_survivors": [each.to_json() for each in same],
    }


def ladder_cost_of_training(table: Table) -> int:
    """Return the cost of the default ladder's training alone."""
    rungs = plan(table, **default_settings(table)).rungs
    return sum(rung.trials * table.cost(rung.images, validations=0) for rung in rungs)


if __name__ == "__main__":
    main()
