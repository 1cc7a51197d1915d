"""Syne Tune's ASHA at its defaults, with its local backend."""

import os
from pathlib import Path

from syne_tune import Tuner
from syne_tune.backend import LocalBackend
from syne_tune.config_space import choice, loguniform, uniform
from syne_tune.experiments import load_experiment
from syne_tune.optimizer.baselines import ASHA

from benchmarks.peers.space import CHOICES, EPOCHS, FLOATS, SLOTS
from benchmarks.peers.trial import budget_is_spent, write_winner

POLL_S = 0.1
"""Its default, 5 s, is longer than a training here."""


def main():
    space = {n: (loguniform if log else uniform)(low, high)
             for n, (low, high, log) in FLOATS.items()}  # fmt: skip
    space |= {name: choice(list(values)) for name, values in CHOICES.items()}
    tuner = Tuner(
        trial_backend=LocalBackend(entry_point=str(Path(__file__).with_name("syne_trial.py"))),
        scheduler=ASHA(
            space,
            metric="val_miou",
            time_attr="epoch",
            max_t=EPOCHS,
            do_minimize=False,
            random_seed=int(os.environ["PEERS_SEED"]),
        ),
        stop_criterion=lambda status: budget_is_spent(),
        n_workers=SLOTS,
        sleep_time=POLL_S,
        results_update_interval=POLL_S,
    )
    tuner.run()
    found = load_experiment(tuner.name)
    best = found.best_config()
    write_winner({k.removeprefix("config_"): v for k, v in best.items()}, best["val_miou"])


if __name__ == "__main__":
    main()
