"""Optuna's TPE with its SuccessiveHalvingPruner, both at their defaults."""

import os

import optuna

from benchmarks.peers.space import CHOICES, FLOATS, SLOTS
from benchmarks.peers.trial import budget_is_spent, epochs, write_winner


def suggested(trial):
    floats = {n: trial.suggest_float(n, low, high, log=log)
              for n, (low, high, log) in FLOATS.items()}  # fmt: skip
    return floats | {n: trial.suggest_categorical(n, values) for n, values in CHOICES.items()}


def objective(trial):
    for report in epochs(suggested(trial)):
        trial.report(report["val_miou"], report["epoch"])
        if trial.should_prune():
            raise optuna.TrialPruned
    return report["val_miou"]


def stop(study, trial):
    if budget_is_spent():
        study.stop()


def search(sampler, pruner):
    study = optuna.create_study(
        storage="sqlite:///study.db", direction="maximize", sampler=sampler, pruner=pruner
    )
    study.optimize(objective, n_jobs=SLOTS, callbacks=[stop])
    write_winner(study.best_params, study.best_value)


if __name__ == "__main__":
    search(
        optuna.samplers.TPESampler(seed=int(os.environ["PEERS_SEED"])),
        optuna.pruners.SuccessiveHalvingPruner(),
    )
