"""Wall time and idle share of a search on a cluster, for several orders of the same jobs.

A job takes images x cost of its trial / speed of its worker; costs and speeds are log-normal. One
training of a trial of median cost on all of the images, on a worker of median speed, takes time 1.
No faults, no start-up, no database.
"""

import heapq
import math
import random
from collections.abc import Callable
from statistics import mean, stdev
from typing import Any

from .orders import RUNGS, Asha, Barrier, Cohorts, EarlyPromotion, Source

SEEDS = range(10)
SPEEDS = 0.15
"""Spread of the workers' speeds."""
NOISE = (2.2, 1.3, 0.8, 0.4, 0.1)
"""Standard deviation of the scores on each rung; those of the trials themselves differ by 1."""
COHORTS = 4
ORDERS: dict[str, Callable[[int], Source]] = {
    "one ladder": lambda trials: Cohorts(1, trials, 1, Barrier),
    "cohorts one after another": lambda trials: Cohorts(COHORTS, trials, 1, Barrier),
    "cohorts, lag 2": lambda trials: Cohorts(COHORTS, trials, 2, Barrier),
    "cohorts, lag 2, early promotion": lambda trials: Cohorts(COHORTS, trials, 2, EarlyPromotion),
    "one ladder, early promotion": lambda trials: Cohorts(1, trials, 1, EarlyPromotion),
    "ASHA": Asha,
}
CLUSTERS = ((8, 144), (32, 144), (32, 576), (1000, 3600))
"""Workers and trials."""
COSTS = (0.2, 0.5, 1.0)
"""Spreads of the trials' costs."""


def orders() -> dict[str, Any]:
    """Return mean wall times and idle shares of all orders."""
    return {
        "what": f"means over {len(SEEDS)} seeds; wall time in median full trainings",
        "speeds": SPEEDS,
        "cohorts": COHORTS,
        "rows": [row(*cluster, costs) for cluster in CLUSTERS for costs in COSTS],
    }


def row(workers: int, trials: int, costs: float) -> dict[str, Any]:
    """Return the means of each order on one cluster, paired by the same trials and workers."""
    found = {
        name: [simulated(make(trials), workers, costs, seed) for seed in SEEDS]
        for name, make in ORDERS.items()
    }
    lag = [each["wall"] for each in found["cohorts, lag 2"]]
    early = [each["wall"] for each in found["cohorts, lag 2, early promotion"]]
    ratios = [one / other for one, other in zip(early, lag, strict=True)]
    return {
        "workers": workers,
        "trials": trials,
        "costs": costs,
        **{
            name: {
                "wall": round(mean(each["wall"] for each in runs), 2),
                "idle": round(mean(each["idle"] for each in runs), 3),
                "work": round(mean(each["work"] for each in runs), 1),
            }
            for name, runs in found.items()
        },
        "early_to_lag_2": round(mean(ratios), 3),
        "standard_error": round(stdev(ratios) / math.sqrt(len(ratios)), 3),
    }


def simulated(source: Source, workers: int, costs: float, seed: int) -> dict[str, float]:
    """Run a source to its end; return wall time, idle share, and work in full trainings."""
    drawn = random.Random(f"{seed} workers")
    free = [(i, math.exp(drawn.gauss(0, SPEEDS))) for i in range(workers)]
    events: list[tuple[float, int, float, tuple[int, int]]] = []
    speeds, now, busy, work = dict(free), 0.0, 0.0, 0.0
    idle = sorted(speeds)
    while True:
        while idle and (job := source.next_job()) is not None:
            worker, (trial, rung) = idle.pop(0), job
            cost = math.exp(random.Random(f"{seed} cost {trial}").gauss(0, costs))
            took = cost * 2.0 ** (rung + 1 - RUNGS) / speeds[worker]
            heapq.heappush(events, (now + took, worker, took, job))
            busy, work = busy + took, work + 2.0 ** (rung + 1 - RUNGS)
        if not events:
            return {"wall": now, "idle": 1 - busy / (workers * now), "work": work}
        now, worker, took, (trial, rung) = heapq.heappop(events)
        idle.append(worker)
        source.record(trial, rung, score(seed, trial, rung), took)


def score(seed: int, trial: int, rung: int) -> float:
    """Return a score that foretells the last one the better, the higher the rung."""
    own = random.Random(f"{seed} score {trial}").gauss(0, 1)
    return own + random.Random(f"{seed} noise {trial} {rung}").gauss(0, NOISE[rung])
