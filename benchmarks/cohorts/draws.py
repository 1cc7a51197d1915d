"""How many points of a cohort are drawn in a CPU second, after 100 to 10,000 trials.

    python -m benchmarks.cohorts.draws    # -> benchmarks/results/cohort_draws.json

Trials are of a space with six axes, one of which is conditional; all have a score. TPE draws two
thirds of a cohort of 36 as a sweep does, with its model built anew.
"""

import time
from collections.abc import Callable
from fractions import Fraction
from itertools import islice
from typing import Any

from benchmarks.machine import keep
from searchctl.orchestrator.draws.points import NO_PRIOR, History, draw, draw_by_model
from searchctl.orchestrator.draws.tpe import ClosedTrial
from searchctl.searchspace import Space

SPACE = Space.from_config(
    {
        "model": ["unet", "segformer", "deeplab"],
        "lr": {"low": 1e-5, "high": 1e-1, "log": True},
        "weight_decay": {"low": 1e-6, "high": 1e-1, "log": True},
        "dropout": {"low": 0.0, "high": 0.5},
        "optimizer": ["adamw", "sgd"],
        "width": {"values": [8, 16, 32], "when": {"model": "unet"}},
    }
)
TRIALS = (100, 1_000, 10_000)
COHORT = 36
THIRD = Fraction(1, 3)


def main() -> None:
    """Measure draws after each number of trials."""
    keep("cohort_draws", {"cohort": COHORT, "after": {str(n): measured(n) for n in TRIALS}})


def measured(trials: int) -> dict[str, Any]:
    """Return the draws per second after so many trials, by a model and at random."""
    points = list(islice(SPACE.draws(0), trials))
    closed = [
        ClosedTrial(number, params, {64: 1.0 - number / trials})
        for number, params in enumerate(points)
    ]
    history = History(closed, "maximize", THIRD, seed=1)
    by_model = _seconds(lambda: draw_by_model(SPACE, COHORT, 1, points, NO_PRIOR, history))
    at_random = _seconds(lambda: draw(SPACE, "random", COHORT, 1, points))
    return {
        "tpe_draws_per_cpu_second": round(COHORT / by_model, 1),
        "random_draws_per_cpu_second": round(COHORT / at_random, 1),
        "tpe_cpu_seconds_per_cohort": round(by_model, 2),
    }


def _seconds(act: Callable[[], object], repeats: int = 2) -> float:
    """Return the least CPU seconds of several runs: other work of the machine does not count."""
    times = []
    for _ in range(repeats):
        started = time.process_time()
        act()
        times.append(time.process_time() - started)
    return min(times)


if __name__ == "__main__":
    main()
