"""Compares the values of each searched param, for a report."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from statistics import median

from searchctl.orchestrator.halving.rule import Direction
from searchctl.orchestrator.report.facts import Contrast, Option
from searchctl.orchestrator.report.training import Training
from searchctl.orchestrator.report.trial_facts import TrialFacts

MOST_VALUES = 6
"""Params with more values are left out: the importance and the table show more of them."""
Better = Callable[[Iterable[float]], float]
"""max or min."""


def contrasts(
    trials: Sequence[TrialFacts], training: Training, direction: Direction
) -> list[Contrast]:
    """Return a comparison for each param with few values; names come before numbers."""
    better: Better = max if direction == "maximize" else min
    names = dict.fromkeys(name for trial in trials for name in trial.params)
    trials = [trial for trial in trials if trial.scored]
    found = [each for name in names for each in _contrast(name, trials, training, better)]
    return sorted(found, key=lambda each: _are_numbers(each.options))


def _contrast(
    name: str, trials: Sequence[TrialFacts], training: Training, better: Better
) -> Iterator[Contrast]:
    of_value: defaultdict[str, list[TrialFacts]] = defaultdict(list)
    for trial in trials:
        if name in trial.params:
            of_value[repr(trial.params[name])].append(trial)
            if len(of_value) > MOST_VALUES:
                return
    if len(of_value) < 2:
        return
    rung = min(max(each.scored.rung for each in same if each.scored) for same in of_value.values())
    options = [_option(name, rung, same, training, better) for same in of_value.values()]
    yield Contrast(name, rung, sorted(options, key=_by_value))


def _option(
    name: str, rung: int, trials: Sequence[TrialFacts], training: Training, better: Better
) -> Option:
    start, scores = _scores_at(0, trials), _scores_at(rung, trials)
    highest = better(scores.values())
    best = next(each for each in trials if scores.get(each.trial) == highest)
    classes = [each for each in training.classes(rung, [best.trial]) if each.split == "val"]
    curves = training.curves(best, [rung])
    return Option(
        value=best.params[name],
        trials_at_start=len(start),
        median_at_start=median(start.values()) if start else None,
        trials=len(scores),
        best=highest,
        trial=best.trial,
        classes=classes[0] if classes else None,
        curve=curves[0] if curves else None,
    )


def _scores_at(rung: int, trials: Iterable[TrialFacts]) -> dict[int, float]:
    return {
        each.trial: step.score
        for each in trials
        for step in each.steps
        if step.rung == rung and step.score is not None
    }


def _by_value(option: Option) -> tuple[bool, float, str]:
    value = option.value
    is_number = isinstance(value, int | float)
    return (not is_number, float(value) if is_number else 0.0, str(value))


def _are_numbers(options: Iterable[Option]) -> bool:
    values = [option.value for option in options]
    return all(isinstance(each, int | float) and not isinstance(each, bool) for each in values)
