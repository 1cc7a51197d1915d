"""How much each param mattered on one rung, by Optuna's evaluator on a study that is made for it.

PED-ANOVA (Watanabe, Bansal and Hutter, 'PED-ANOVA: Efficiently Quantifying Hyperparameter
Importance in Arbitrary Subspaces', IJCAI 2023) needs no further package, unlike fANOVA, and takes
params that only some trials have.
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
from searchctl.orchestrator.halving.rule import Direction

LEAST_TRIALS = 8
"""With fewer, what is found is mostly chance."""
_BEST = 5
"""Trials that should be among the best, at least; the evaluator's own advice."""


@dataclass(frozen=True)
class Scored:
    """A trial with its score."""

    params: Mapping[str, Any]
    score: float


@dataclass(frozen=True)
class Importance:
    """How much each param mattered for being among the best trials of a rung."""

    rung: int
    trials: int
    """That have a score there."""
    best: int
    """How many count as the best."""
    shares: dict[str, float]
    """By name, the largest first; they sum to 1."""


def importance(
    trials: Sequence[Scored],
    distributions: Mapping[str, BaseDistribution],
    direction: Direction,
    rung: int,
) -> Importance:
    """Return how much each param mattered; the same for the same trials.

    Args:
        trials: all trials of a rung that have a score: LEAST_TRIALS or more.
        distributions: of every searched name, as `study.distributions` has them.
        direction: of the score.
        rung: which one it is.

    Raises:
        SearchctlError: so many trials tie that all are among the best.
    """
    share = min(0.5, max(0.1, _BEST / len(trials)))
    scores = sorted((trial.score for trial in trials), reverse=direction == "maximize")
    if scores[ceil(share * len(trials)) - 1] == scores[-1]:
        raise SearchctlError(
            f"The trials of rung {rung} tie: none of them can be told to be among the best."
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
    params = {name: _plain(value) for name, value in trial.params.items()}
    return create_trial(
        state=TrialState.COMPLETE,
        value=trial.score,
        params=params,
        distributions={name: distributions[name] for name in params},
    )


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, list | tuple) else value
