"""Importance of each param on one rung, computed by Optuna on a temporary study.

The method is PED-ANOVA (Watanabe, Bansal and Hutter, 'PED-ANOVA: Efficiently Quantifying
Hyperparameter Importance in Arbitrary Subspaces', IJCAI 2023). Unlike fANOVA, it needs no further
package and supports params that only some trials have.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

import optuna
from optuna.distributions import BaseDistribution
from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances
from optuna.trial import TrialState, create_trial

from searchctl.orchestrator.core.errors import SearchctlError
from searchctl.orchestrator.draws.distributions import plain
from searchctl.orchestrator.halving.rule import Direction

LEAST_TRIALS = 8
"""Minimum number of trials. With fewer, the importances are mostly noise."""
_BEST = 5
"""Minimum number of trials in the best group, as the evaluator's documentation recommends."""


@dataclass(frozen=True)
class Scored:
    """The params of a trial, and its score."""

    params: Mapping[str, Any]
    score: float


@dataclass(frozen=True)
class Importance:
    """Importance of each param for reaching the best group of a rung."""

    rung: int
    trials: int
    """Number of trials with a score on the rung."""
    best: int
    """Number of trials in the best group."""
    shares: dict[str, float]
    """Importance by param name, the largest first. They sum to 1."""


def importance(
    trials: Sequence[Scored],
    distributions: Mapping[str, BaseDistribution],
    direction: Direction,
    rung: int,
) -> Importance:
    """Return the importance of each param. The result is deterministic.

    Args:
        trials: all trials of a rung that have a score; at least LEAST_TRIALS.
        distributions: distribution of every searched name, from `study.distributions`.
        direction: whether larger scores are better.
        rung: number of the rung.

    Raises:
        SearchctlError: so many trials tie that the best group would contain all of them.
    """
    share = min(0.5, max(0.1, _BEST / len(trials)))
    scores = sorted((trial.score for trial in trials), reverse=direction == "maximize")
    if scores[ceil(share * len(trials)) - 1] == scores[-1]:
        raise SearchctlError(
            f"The trials of rung {rung} tie, so there is no group of best trials to compare with."
        )
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(direction=direction)
    study.add_trials([_frozen(each, distributions) for each in trials])
    evaluator = PedAnovaImportanceEvaluator(target_quantile=share)
    shares = get_param_importances(study, evaluator=evaluator)
    return Importance(rung, len(trials), round(share * len(trials)), shares)


def _frozen(
    trial: Scored, distributions: Mapping[str, BaseDistribution]
) -> optuna.trial.FrozenTrial:
    params = {name: plain(value) for name, value in trial.params.items()}
    return create_trial(
        state=TrialState.COMPLETE,
        value=trial.score,
        params=params,
        distributions={name: distributions[name] for name in params},
    )
