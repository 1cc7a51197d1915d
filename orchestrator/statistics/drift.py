"""Which values of a hyperparameter gain, and which lose, as the trials get more data.

Suppose that small samples punish small learning rates. Then, among the trials that ran two rungs,
those with a small one gain places on the larger one. Only trials that ran both rungs are counted.
The lower rung has selected them, which adds little: in simulations without any drift, 18 survivors
of 36 show one at 5 % in 3 to 7 of 100 sweeps, whatever the value does to the score. But all trials
of a rung share one seed and one sample, so a drift may be that seed's.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import mean, median_low
from typing import Any

from scipy import stats

from searchctl.orchestrator.statistics.holm import holm
from searchctl.trainer.settings.marks import Mark, marked
from searchctl.trainer.settings.training import TrainSettings

LEAST = 4
"""Fewest trials for a direction: with fewer, a single swap of places would decide it."""
LEAST_FOR_P = 8
"""Fewest trials for a p value."""
REGULARISERS = marked(TrainSettings, Mark.REGULARISER)
"""Settings whose larger values regularise more strongly."""

Scores = Mapping[int, float]
"""Scores of a rung: trial -> score, higher is better."""
AllParams = Mapping[int, Mapping[str, Any]]
"""Trial -> its params."""


@dataclass(frozen=True)
class Drift:
    """How one hyperparameter's values gained or lost between two rungs."""

    name: str
    lower: int
    upper: int
    n: int
    """Trials that ran both rungs and have this hyperparameter."""
    tau: float | None
    """For a number: Kendall's tau-b of the value and the places that its trial rose. Positive where
    larger values gain. None where all values are equal, or no place changed."""
    below: float | None
    """For a number: rank correlation (tau-b) with the score on the lower rung, among these trials;
    None where all scores are equal."""
    above: float | None
    """The same on the upper rung."""
    rose: dict[str, float]
    """For anything else: value -> the mean number of places that its trials rose."""
    p: float | None
    """p value of 'there is no drift', with Holm's correction over all drifts that are returned
    together. None under 8 trials."""


@dataclass(frozen=True)
class Typical:
    """A hyperparameter's typical value among some trials: the lower median, or the mode."""

    value: Any
    share: float
    """Share of the trials with exactly this value."""


def drifts(params: AllParams, rungs: Sequence[Scores]) -> list[Drift]:
    """Return the drift of every hyperparameter that varies.

    From each rung to the next, and from the lowest one to every other.
    """
    names, count, numbers = searched(params), len(rungs), numeric(params)
    pairs = [*pairwise(range(count)), *((0, upper) for upper in range(2, count))]
    found = [
        drift
        for lower, upper in pairs
        for name in names
        if (drift := _drift(name, params, rungs, lower, upper, numbers)) is not None
    ]
    tested = [drift.p for drift in found if drift.p is not None]
    corrected = iter(holm(tested))
    return [d if d.p is None else replace(d, p=next(corrected)) for d in found]


def searched(params: AllParams) -> list[str]:
    """Return the names that have more than one value over all trials."""
    values: defaultdict[str, set[str]] = defaultdict(set)
    for each in params.values():
        for name, value in each.items():
            values[name].add(repr(value))
    return [name for name, distinct in values.items() if len(distinct) > 1]


def numeric(params: AllParams) -> set[str]:
    """Return the names whose values are numbers in all trials."""
    types: defaultdict[str, set[type]] = defaultdict(set)
    for each in params.values():
        for name, value in each.items():
            types[name].add(type(value))
    return {name for name, found in types.items() if found <= {int, float}}


def typical(
    name: str, params: AllParams, trials: Sequence[int], numbers: Collection[str]
) -> Typical | None:
    """Return the typical value among these trials; None if none has the hyperparameter.

    `numbers` are the names of all params that are numbers.
    """
    values = [params[trial][name] for trial in trials if name in params[trial]]
    if not values:
        return None
    value = median_low(values) if name in numbers else _most_frequent(values)
    return Typical(value, values.count(value) / len(values))


def misjudged(found: Sequence[Drift], level: float = 0.05) -> list[Drift]:
    """Return the drifts of numbers from the lowest rung that chance hardly explains.

    Of several for one name only the one with the smallest p value.
    """
    best: dict[str, Drift] = {}
    for drift in found:
        if drift.lower == 0 and drift.tau and drift.p is not None and drift.p < level:
            known = best.get(drift.name)
            best[drift.name] = drift if known is None else min(known, drift, key=_p)
    return list(best.values())


def _p(drift: Drift) -> float:
    return 1.0 if drift.p is None else drift.p


def _drift(
    name: str,
    params: AllParams,
    rungs: Sequence[Scores],
    lower: int,
    upper: int,
    numbers: Collection[str],
) -> Drift | None:
    below, above = rungs[lower], rungs[upper]
    trials = sorted(trial for trial in below.keys() & above.keys() if name in params[trial])
    values = [params[trial][name] for trial in trials]
    if len(trials) < LEAST or len(set(map(repr, values))) < 2:
        return None
    scores = [[rung[trial] for trial in trials] for rung in (below, above)]
    rises = _rises(*scores)
    tau: float | None = None
    on_lower: float | None = None
    on_upper: float | None = None
    rose: dict[str, float] = {}
    if name in numbers:
        tau, p = _trend(values, rises)
        on_lower, on_upper = (_trend(values, of_rung)[0] for of_rung in scores)
    else:
        rose, p = _by_value(values, rises)
    return Drift(
        name=name,
        lower=lower,
        upper=upper,
        n=len(trials),
        tau=tau,
        below=on_lower,
        above=on_upper,
        rose=rose,
        p=p if _enough(trials) else None,
    )


def _enough(trials: Sequence[int]) -> bool:
    return len(trials) >= LEAST_FOR_P


def _rises(below: Sequence[float], above: Sequence[float]) -> list[float]:
    """Return how many ranks each trial rose; tied scores share their ranks."""
    places: list[float] = (stats.rankdata(above) - stats.rankdata(below)).tolist()
    return places


def _trend(values: Sequence[float], rises: Sequence[float]) -> tuple[float | None, float]:
    if len(set(rises)) < 2:
        return None, 1.0
    found = stats.kendalltau(values, rises)
    return float(found.statistic), float(found.pvalue)


def _by_value(values: Sequence[Any], rises: Sequence[float]) -> tuple[dict[str, float], float]:
    """Return the mean rise of each value, and Kruskal & Wallis's p-value of no difference."""
    groups: defaultdict[str, list[float]] = defaultdict(list)
    for value, rise in zip(values, rises, strict=True):
        groups[str(value)].append(rise)
    means = {value: mean(group) for value, group in sorted(groups.items())}
    p = float(stats.kruskal(*groups.values()).pvalue) if len(set(rises)) > 1 else 1.0
    return means, p


def _most_frequent(values: Sequence[Any]) -> Any:
    """Return the most frequent value, the first one where several are equally frequent."""
    counted = Counter(map(repr, values))
    return next(value for value in values if counted[repr(value)] == max(counted.values()))
