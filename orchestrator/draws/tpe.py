"""Draws new points with Optuna's TPE sampler from trials whose scores are known.

TPE (Bergstra et al., 'Algorithms for Hyper-Parameter Optimization', NIPS 2011) models where the
good points lie and where the others lie, and draws points that are likelier among the good ones.
Scores on different amounts of data cannot be compared. As in BOHB (Falkner, Klein and Hutter,
'BOHB: Robust and Efficient Hyperparameter Optimization at Scale', ICML 2018), the model uses the
largest amount of data on which enough trials have a score, and a share of the points is random.

A draw depends on its arguments alone: not on the order of the trials, on random generators
elsewhere, or on the study that mirrors a sweep.
"""

import logging
import warnings
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from itertools import islice
from math import ceil, isfinite
from typing import Any

import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.exceptions import ExperimentalWarning
from optuna.samplers import TPESampler
from optuna.trial import FrozenTrial, TrialState, create_trial

from searchctl.orchestrator.halving.rule import Direction
from searchctl.searchspace import Choice, Params, Space, Value
from searchctl.searchspace.branches import Part, setting
from searchctl.searchspace.config import POINTS
from searchctl.searchspace.draws.drawing import Allowed, anything
from searchctl.searchspace.values import Record, same

log = logging.getLogger("searchctl")

LEAST_SCORES = 8
"""Minimum number of trials with a score on the same number of images: a model needs as many."""
RANDOM_SHARE = Fraction(1, 3)
"""Share of the points that is random, so that a model that is wrong does no lasting harm."""
_LEAST_GOOD = 6
_GOOD_SHARE = 4
"""The best quarter of the trials counts as good, at least 6. With Optuna's own tenth, all trials
that were trained on most data would be good, however poor they are."""
_REPEATS = 50
"""Draws in a row without a new point; after that, the remaining points are random."""


@dataclass(frozen=True)
class ClosedTrial:
    """A trial whose scores will not change."""

    number: int
    """Its number in the sweep."""
    params: Params
    scores: Mapping[int, float | None]
    """Score by number of training images; None (or NaN) if the trial diverged or failed there."""


@dataclass(frozen=True)
class Draw:
    """New points, and what they were drawn from."""

    points: tuple[Params, ...]
    """Distinct points of the space that no trial has: those of the model, then the random ones."""
    random: int
    """Number of the last points that are random."""
    images: int | None
    """Number of training images of the scores that the model used; None without a model."""
    sources: tuple[int, ...]
    """Numbers of the trials that the model used."""


def draw(
    space: Space,
    closed: Sequence[ClosedTrial],
    count: int,
    *,
    seed: int,
    direction: Direction,
    taken: Collection[Params] = (),
    random_share: Fraction = RANDOM_SHARE,
    allowed: Allowed = anything,
) -> Draw:
    """Draw new points: two thirds from a model of the closed trials, one third at random.

    All are random if no number of images has LEAST_SCORES scores. A closed trial whose params are
    no point of the space is not used. There are fewer points than `count` if the space has no more,
    and a warning says so.

    Args:
        space: the space to draw from.
        closed: the trials to learn from, in any order.
        count: how many points.
        seed: the same seed and trials give the same points.
        direction: whether larger scores are better.
        taken: points of further trials, which are not drawn either.
        random_share: share of the points that is random.
        allowed: which points may be drawn.
    """
    model = _Model.of(space, closed)
    seen = {*taken, *(trial.params for trial in closed)}
    points: list[Params] = []
    if model is not None:
        modelled = _distinct(model.points(seed, direction), seen, allowed)
        points += islice(modelled, count - int(count * random_share))
    learned = len(points)
    pool = (point for point in space.draws(seed, allowed=allowed) if point not in seen)
    points += islice(pool, count - learned)
    if len(points) < count:
        log.warning("the space has only %d new points, not %d", len(points), count)
    found = (model.images, model.sources) if model is not None and learned else (None, ())
    return Draw(tuple(points), len(points) - learned, *found)


def _distinct(points: Iterator[Params], seen: set[Params], allowed: Allowed) -> Iterator[Params]:
    """Yield the new, allowed points and add them to `seen`, until there is none for long."""
    repeats = 0
    for point in points:
        repeats += 1
        if point not in seen and allowed(point):
            repeats = 0
            seen.add(point)
            yield point
        elif repeats >= _REPEATS:
            return


@dataclass(frozen=True)
class _Model:
    """The trials that a model is made of."""

    space: Space
    images: int
    scored: tuple[ClosedTrial, ...]
    """Trials with a score on so many images, by number."""
    failed: tuple[ClosedTrial, ...]
    """Trials that diverged or failed somewhere, by number: never good."""

    @classmethod
    def of(cls, space: Space, closed: Sequence[ClosedTrial]) -> "_Model | None":
        """Return the model on the most images; None if no number of images has enough scores."""
        # Optuna gives trials weights by their order
        inside = sorted((t for t in closed if space.contains(t.params)), key=lambda t: t.number)
        failed = tuple(t for t in inside if not all(map(_finite, t.scores.values())))
        for images in sorted({images for t in inside for images in t.scores}, reverse=True):
            scored = tuple(
                t for t in inside if t not in failed and t.scores.get(images) is not None
            )
            if len(scored) >= LEAST_SCORES:
                return cls(space, images, scored, failed)
        return None

    @property
    def sources(self) -> tuple[int, ...]:
        """Return the numbers of the trials."""
        return tuple(sorted(trial.number for trial in (*self.scored, *self.failed)))

    def points(self, seed: int, direction: Direction) -> Iterator[Params]:
        """Yield points without end, possibly repeated.

        Each drawn point stays RUNNING in the study: the sampler keeps away from it.
        """
        good = max(_LEAST_GOOD, ceil(len(self.scored) / _GOOD_SHARE))
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        study = optuna.create_study(direction=direction, sampler=_sampler(seed, good))
        trials = sorted((*self.scored, *self.failed), key=lambda trial: trial.number)
        study.add_trials([self._frozen(trial) for trial in trials])
        while True:
            yield self.space.compose(partial(_suggest, study.ask()))

    def _frozen(self, trial: ClosedTrial) -> FrozenTrial:
        """Return the trial as Optuna holds it, with the distributions of today's space."""
        params: dict[str, Any] = {}
        distributions: dict[str, BaseDistribution] = {}

        def record(name: str, part: Part) -> Value:
            value = _bundle(self.space, trial) if name == POINTS else trial.params[setting(name)]
            params[name], distributions[name] = _encoded(part, value), _distribution(part)
            return value

        self.space.compose(record)
        # a pruned trial without a score is behind all others
        failed = trial in self.failed
        state = TrialState.PRUNED if failed else TrialState.COMPLETE
        value = None if failed else trial.scores[self.images]
        return create_trial(state=state, value=value, params=params, distributions=distributions)


def _finite(score: float | None) -> bool:
    return score is not None and isfinite(score)


def _bundle(space: Space, trial: ClosedTrial) -> Record:
    """Return the values of the bundle that a trial has."""
    return Record({name: trial.params[name] for name in trial.params if name not in space.axes})


def _sampler(seed: int, good: int) -> TPESampler:
    with warnings.catch_warnings():
        # `gamma` goes in Optuna 6, which pyproject.toml excludes; there is no other way to set it
        warnings.filterwarnings("ignore", "`gamma` has been deprecated", FutureWarning)
        warnings.filterwarnings("ignore", "Argument ``group``", ExperimentalWarning)
        # group: axes of one condition are modelled together
        return TPESampler(
            seed=seed % 2**32, n_startup_trials=1, group=True, gamma=lambda trials: good
        )


def _distribution(part: Part) -> BaseDistribution:
    """Return the distribution of a dimension. Listed values and steps are known by their index."""
    if isinstance(part, Choice):
        return CategoricalDistribution(range(part.size))
    if part.size is not None and not part.log:
        return IntDistribution(0, part.size - 1)
    if part.whole:
        return IntDistribution(int(part.low), int(part.high), log=True)
    return FloatDistribution(part.low, part.high, log=part.log)


def _encoded(part: Part, value: Value) -> int | float:
    """Return a dimension's value as its distribution holds it."""
    if isinstance(part, Choice):
        return next(n for n, option in enumerate(part.options) if same(option, value))
    assert isinstance(value, int | float)
    indexed = part.size is not None and not part.log
    return round((value - part.low) / (part.step or 1)) if indexed else value


def _decoded(part: Part, drawn: Any) -> Value:
    """Return the value that a distribution's draw stands for."""
    value: Value = drawn
    if isinstance(part, Choice):
        value = part.options[drawn]
    elif part.size is not None and not part.log:
        # an index counts as the middle of its share: `at` returns an exact decimal for it
        value = part.at((drawn + 0.5) / part.size)
    return value


def _suggest(trial: optuna.Trial, name: str, part: Part) -> Value:
    """Return the value of a dimension that the sampler draws."""
    match _distribution(part):
        case CategoricalDistribution(choices=choices):
            return _decoded(part, trial.suggest_categorical(name, choices))
        case IntDistribution(low=low, high=high, log=log_scale):
            return _decoded(part, trial.suggest_int(name, low, high, log=log_scale))
        case FloatDistribution(low=low, high=high, log=log_scale):
            return _decoded(part, trial.suggest_float(name, low, high, log=log_scale))
    raise AssertionError(part)
