"""The importances of params are those of Optuna's PED-ANOVA."""

import math

import optuna
import pytest
from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances
from optuna.trial import create_trial

from searchctl.orchestrator.search.distributions import distributions
from searchctl.orchestrator.search.importance import Scored, importance
from searchctl.searchspace import Space

SPACE = {
    "lr": {"low": 1e-5, "high": 1e-1, "log": True},
    "decay": {"low": 0.0, "high": 0.1},
    "epochs": {"low": 2, "high": 9},
    "channels": {"low": 8, "high": 512, "log": True},
    "smoothing": {"low": 0.0, "high": 0.3, "step": 0.1},
    "loss": ["cross_entropy", "dice", "focal"],
    "gamma": {"low": 0.5, "high": 4.0, "when": {"loss": "focal"}},
    "only": [3],
}


def _optunas(trials, known, direction, share):
    study = optuna.create_study(direction=direction)
    study.add_trials(
        create_trial(
            value=each.score,
            params=dict(each.params),
            distributions={name: known[name] for name in each.params},
        )
        for each in trials
    )
    return get_param_importances(
        study, evaluator=PedAnovaImportanceEvaluator(target_quantile=share)
    )


@pytest.mark.parametrize(
    ("count", "direction"), [(8, "maximize"), (60, "minimize"), (300, "maximize")]
)
@pytest.mark.filterwarnings("ignore:Some regimes")
def test_importances_equal_those_of_optuna(count, direction):
    space = Space.from_config(SPACE, {}, lambda _: [])
    drawn = [
        dict(params) for _, params in zip(range(count), space.draws(3, "random"), strict=False)
    ]
    trials = [
        Scored(params, -abs(math.log10(params["lr"]) + 2.5) + (params["loss"] == "dice") / 3)
        for params in drawn
    ]
    known = distributions(space)
    theirs = _optunas(trials, known, direction, min(0.5, max(0.1, 5 / count)))
    ours = importance(trials, known, direction, rung=0).shares
    assert ours == pytest.approx(theirs, abs=1e-6)
    assert list(ours)[:3] == list(theirs)[:3]
