"""The strategies that are compared, each a function of a run; another one is another function.

A strategy sees the scores of one seed (several, where it says so), names a trial and what it paid.
Those that draw configurations return the mean over many draws, or the exact odds.
"""

import random
from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import partial
from math import ceil, comb
from statistics import fmean
from typing import Any

from searchctl.orchestrator.halving.rule import Ladder, plan_ladder

from .choices import Choice, Strategy, kept, mean_choice, one, survivors
from .tables import Run, Table

DRAWS = 25


def plan(table: Table, **settings: Any) -> Ladder:
    """Return the product's ladder for all trials of a table."""
    return plan_ladder(
        len(table.params),
        table.full,
        min_images=table.batch_size,
        **settings,
    )


def ladder_cost(table: Table, rungs: Ladder, *, last: int | None = None) -> int:
    """Return what a ladder costs; `last` as in `survivors`."""
    below = sum(r.trials * table.cost(r.images, validations=last) for r in rungs.rungs[:-1])
    return below + rungs.rungs[-1].trials * table.cost(rungs.rungs[-1].images)


def ladder(run: Run, *, last: int | None = None, **settings: Any) -> Choice:
    """Choose the winner of the product's ladder with these settings of `halving:`."""
    rungs = plan(run.table, **settings)
    winner = survivors(run, rungs, last=last)[-1][0]
    return one(run, winner, ladder_cost(run.table, rungs, last=last))


def repeated(run: Run, *, finalists: int, repeats: int = 3, **settings: Any) -> Choice:
    """Train the finalists with several seeds, and choose the best mean."""
    table = run.table
    rungs = plan(table, finalists=finalists, **settings)
    start = table.seeds.index(run.full_seed)
    seeds = [table.seeds[(start + i) % len(table.seeds)] for i in range(repeats)]
    finalists_left = survivors(run, rungs)[-1]
    means = {trial: _mean(run, trial, seeds) for trial in finalists_left}
    extra = (repeats - 1) * finalists * table.cost(table.full)
    return one(
        run, max(finalists_left, key=means.__getitem__), ladder_cost(table, rungs) + extra, seeds
    )


def _mean(run: Run, trial: int, seeds: list[int]) -> float:
    return fmean(max(run.table.curves[s, run.table.full, trial], default=0.0) for s in seeds)


def grid(run: Run) -> Choice:
    """Train every trial on all images, and choose the best."""
    return random_search(run, len(run.table.params))


def random_search(run: Run, trials: int) -> Choice:
    """Train some random trials on all images, and choose the best: the exact odds of each."""
    table, ranked = (
        run.table,
        kept(run.table.trials, partial(run.score, images=run.table.full), None),
    )
    unranked = len(table.params) - len(ranked)
    pool = len(table.params)
    odds = {
        trial: comb(pool - place - 1, trials - 1) / comb(pool, trials)
        for place, trial in enumerate(ranked)
        if pool - place >= trials
    }
    assert not unranked or trials > unranked, "all drawn trials may have diverged"
    return Choice(odds, trials * table.cost(table.full), frozenset([run.full_seed]))


def affordable(table: Table, budget: float) -> int:
    """Return how many trials can be trained on all images for this cost, rounded up."""
    return ceil(budget / table.cost(table.full))


def over_draws(strategy: Callable[[Run, random.Random], Choice], draws: int = DRAWS) -> Strategy:
    """Return a strategy that is the mean over draws of one that draws."""
    return lambda run: mean_choice([strategy(run, random.Random(seed)) for seed in range(draws)])


def hyperband(run: Run, rng: random.Random) -> Choice:
    """Run Hyperband's brackets on shares of the data (Li et al., JMLR 2018, algorithm 1), eta 2.

    A trial that several brackets draw is trained once on each number of images.
    """
    table = run.table
    done: set[tuple[int, int]] = set()
    for deepest in reversed(range(len(table.images))):
        drawn = ceil(len(table.images) / (deepest + 1) * 2**deepest)
        alive = rng.sample(list(table.trials), min(drawn, len(table.params)))
        for rung, images in enumerate(table.images[len(table.images) - 1 - deepest :]):
            done |= {(trial, images) for trial in alive}
            keep = drawn // 2 ** (rung + 1) if images < table.full else None
            alive = kept(alive, partial(run.score, images=images), keep)
    finished = [trial for trial, images in done if images == table.full]
    winner = kept(sorted(finished), partial(run.score, images=table.full), None)[0]
    return one(run, winner, sum(table.cost(images) for _, images in done))


def asha(run: Run, rng: random.Random, *, workers: int = 4) -> Choice:
    """Promote without waiting (ASHA, Li et al., MLSys 2020, algorithm 2), eta 2, on some workers.

    A job lasts as long as it costs. It ends when all trials were started and none can be promoted.
    """
    table, waiting = run.table, list(run.table.trials)
    rng.shuffle(waiting)
    rungs: list[dict[int, float]] = [{} for _ in table.images]
    promoted: list[set[int]] = [set() for _ in table.images]
    running: list[tuple[float, int, int]] = []
    now, cost = 0.0, 0
    while True:
        while len(running) < workers and (job := _next_job(rungs, promoted, waiting)):
            trial, rung = job
            price = table.cost(table.images[rung])
            running.append((now + price, trial, rung))
            cost += price
        if not running:
            break
        now, trial, rung = ended = min(running)
        running.remove(ended)
        score = run.score(trial, table.images[rung])
        rungs[rung][trial] = float("-inf") if score is None else score
    top = next(scores for scores in reversed(rungs) if scores)
    return one(run, max(top, key=top.__getitem__), cost)


def _next_job(
    rungs: list[dict[int, float]], promoted: list[set[int]], waiting: list[int]
) -> tuple[int, int] | None:
    for rung in reversed(range(len(rungs) - 1)):
        ranked = sorted(rungs[rung], key=lambda trial: (-rungs[rung][trial], trial))
        for trial in ranked[: len(ranked) // 2]:
            if trial not in promoted[rung] and rungs[rung][trial] > float("-inf"):
                promoted[rung].add(trial)
                return trial, rung + 1
    return (waiting.pop(), 0) if waiting else None


def prefixes(run: Run, *, finalists: int = 2) -> Choice:
    """Halve on the first epochs of the training on all images, which survivors continue."""
    table = run.table
    alive, cost, before = list(table.trials), 0, 0
    for epochs, count in zip(_doubling(table.epochs), _counts(table, finalists), strict=False):
        alive = alive[:count]
        cost += len(alive) * table.cost(table.full, epochs=epochs - before)
        alive, before = kept(alive, partial(run.score_after, epochs=epochs), None), epochs
    return one(run, alive[0], cost)


def _doubling(epochs: int) -> Iterator[int]:
    """Yield 1, 2, 4, ... and at last all epochs."""
    count = 1
    while count < epochs:
        yield count
        count *= 2
    yield epochs


def _counts(table: Table, finalists: int) -> list[int]:
    """Return the trials of each rung; the last of the `_doubling` rungs has the finalists."""
    rungs = len(list(_doubling(table.epochs)))
    shares = [Fraction(1, 2**below) for below in reversed(range(rungs))]
    return [r.trials for r in plan(table, finalists=finalists, fractions=shares).rungs]
