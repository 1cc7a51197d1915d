"""What the scores of a rung say about the scores on all images."""

import random
from collections.abc import Callable, Sequence
from statistics import fmean

from searchctl.orchestrator.halving.rule import Ladder

from .choices import survivors
from .judge import Estimate, full_scores, others
from .tables import Run, Table

Score = Callable[[Run, int], float | None]


def correlation(first: list[float], second: list[float]) -> float:
    """Return Spearman's rank correlation; equal values share their mean rank."""
    a, b = _ranks(first), _ranks(second)
    mean_a, mean_b = fmean(a), fmean(b)
    product = sum((x - mean_a) * (y - mean_b) for x, y in zip(a, b, strict=True))
    spread = sum((x - mean_a) ** 2 for x in a) * sum((y - mean_b) ** 2 for y in b)
    return float(product / spread**0.5) if spread else 0.0


def _ranks(values: list[float]) -> list[float]:
    return [
        sum(other < value for other in values) + (sum(other == value for other in values) + 1) / 2
        for value in values
    ]


def agreement(table: Table, score: Score) -> Estimate:
    """Return the rank correlation of one seed's scores with the full scores of the other seeds."""
    found = []
    for seed in table.seeds:
        run, full = Run.of(table, seed), full_scores(table, others(table, [seed]))
        scores = [score(run, trial) or 0.0 for trial in table.trials]
        found.append(correlation(scores, [full[trial] for trial in table.trials]))
    return Estimate.of(found)


def agreement_of_means(table: Table, images: int) -> float:
    """Return the rank correlation of the scores' means over all seeds: no seed's noise is left."""
    means = []
    for trial in table.trials:
        scores = (Run.of(table, seed).score(trial, images) for seed in table.seeds)
        means.append(fmean(score or 0.0 for score in scores))
    full = full_scores(table, table.seeds)
    return correlation(means, [full[trial] for trial in table.trials])


def agreement_by_seeding(table: Table, images: int, draws: int = 50) -> dict[str, float]:
    """Return the rank correlation of a rung whose trials share a seed, and of one with a seed each.

    Both with the mean full scores of all seeds. Means over the seeds, and over random assignments.
    """
    full = full_scores(table, table.seeds)
    truth = [full[trial] for trial in table.trials]

    def agreed(seeds: Sequence[int]) -> float:
        curves = (table.curves[seed, images, trial] for trial, seed in enumerate(seeds))
        return correlation([max(curve, default=0.0) for curve in curves], truth)

    rng = random.Random(0)
    shared = [agreed([seed] * len(table.params)) for seed in table.seeds]
    each = [agreed(rng.choices(table.seeds, k=len(table.params))) for _ in range(draws)]
    return {"shared": round(fmean(shared), 3), "one_each": round(fmean(each), 3)}


def survival(table: Table, ladder: Ladder, best: int) -> list[Estimate]:
    """Return, for each cut, the share of the truly best trials that are still there after it.

    The truly best of a run are the best by the other seeds' scores on all images.
    """
    cuts: list[list[float]] = [[] for _ in ladder.rungs[1:]]
    for seed in table.seeds:
        full = full_scores(table, others(table, [seed]))
        truly = set(sorted(full, key=lambda trial: (-full[trial], trial))[:best])
        alive = survivors(Run.of(table, seed), ladder)[1:-1]
        for shares, trials in zip(cuts, alive, strict=True):
            shares.append(len(truly & set(trials)) / best)
    return [Estimate.of(shares) for shares in cuts]


def same_survivors(table: Table, ladder: Ladder, last: int) -> list[Estimate]:
    """Return, for each rung's trials and the winner, how many are the same if `last` epochs rank.

    The share of the trials that every-epoch validation keeps; at the end, whether the winner is
    the same.
    """
    found: list[list[float]] = [[] for _ in ladder.rungs]
    for seed in table.seeds:
        run = Run.of(table, seed)
        usual, fewer = (survivors(run, ladder, last=each)[1:] for each in (None, last))
        usual[-1], fewer[-1] = usual[-1][:1], fewer[-1][:1]
        for shares, before, after in zip(found, usual, fewer, strict=True):
            shares.append(len(set(before) & set(after)) / len(before))
    return [Estimate.of(shares) for shares in found]


def by_images(images: int, *, last: int | None = None) -> Score:
    """Return the score of the job on so many images."""
    return lambda run, trial: run.score(trial, images, last=last)


def by_epochs(epochs: int) -> Score:
    """Return the score after the first epochs of the job on all images."""
    return lambda run, trial: run.score_after(trial, epochs)
