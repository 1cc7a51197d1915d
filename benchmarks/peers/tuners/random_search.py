"""Random points that are all trained in full: Optuna's RandomSampler without a pruner."""

import os

import optuna

from benchmarks.peers.tuners.optuna_tpe import search

if __name__ == "__main__":
    search(
        optuna.samplers.RandomSampler(seed=int(os.environ["PEERS_SEED"])),
        optuna.pruners.NopPruner(),
    )
