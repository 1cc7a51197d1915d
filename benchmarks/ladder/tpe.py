"""Optuna's TPE with its successive-halving pruner, on the points of a table."""

import warnings
from collections.abc import Mapping
from typing import Any

import optuna

from .choices import Choice, kept, mean_choice, one
from .strategies import ladder_cost, plan
from .tables import Run, Table

DRAWS = 10
MOST_TRIALS = 300


def tpe(run: Run) -> Choice:
    """Search with TPE and prune by halving until the default ladder's cost is spent."""
    return mean_choice([_search(run, seed) for seed in range(DRAWS)])


def _search(run: Run, seed: int) -> Choice:
    table = run.table
    axes = {name: sorted({p[name] for p in table.params}, key=str) for name in table.params[0]}
    trials = {_key(params): trial for trial, params in enumerate(table.params)}
    budget = ladder_cost(table, plan(table))
    done: set[tuple[int, int]] = set()
    study = _study(seed)
    for _ in range(MOST_TRIALS):
        if _paid(table, done) >= budget:
            break
        asked = study.ask()
        point = {
            name: values[asked.suggest_categorical(name, range(len(values)))]
            for name, values in axes.items()
        }
        _train(run, study, asked, trials[_key(point)], done)
    finished = sorted(trial for trial, images in done if images == table.full)
    winner = kept(finished, lambda trial: run.score(trial, table.full), None)[0]
    return one(run, winner, _paid(table, done))


def _study(seed: int) -> optuna.Study:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        sampler = optuna.samplers.TPESampler(seed=seed)
    pruner = optuna.pruners.SuccessiveHalvingPruner(min_resource=1, reduction_factor=2)
    return optuna.create_study(direction="maximize", sampler=sampler, pruner=pruner)


def _train(
    run: Run, study: optuna.Study, asked: optuna.Trial, trial: int, done: set[tuple[int, int]]
) -> None:
    """Train one point rung by rung, until the pruner stops it; a job is paid for once."""
    state = optuna.trial.TrialState
    score = None
    for rung, images in enumerate(run.table.images):
        done.add((trial, images))
        score = run.score(trial, images)
        if score is None:
            study.tell(asked, state=state.FAIL)
            return
        asked.report(score, 2**rung)
        if images < run.table.full and asked.should_prune():
            study.tell(asked, state=state.PRUNED)
            return
    study.tell(asked, score)


def _paid(table: Table, done: set[tuple[int, int]]) -> int:
    return sum(table.cost(images) for _, images in done)


def _key(params: Mapping[str, Any]) -> tuple[tuple[str, Any], ...]:
    return tuple(sorted(params.items()))
