"""Ray Tune with its ASHA scheduler at its defaults; random points."""

import os
from pathlib import Path

import ray
from ray import tune
from ray.tune import CheckpointConfig, RunConfig, Stopper, TuneConfig, Tuner
from ray.tune.schedulers import ASHAScheduler
from ray.tune.search.basic_variant import BasicVariantGenerator

from benchmarks.peers.space import CHOICES, EPOCHS, FLOATS, SLOTS
from benchmarks.peers.trial import budget_is_spent, epochs, write_winner


class Budget(Stopper):
    """Ends the run when the images are spent."""

    def __call__(self, trial_id, result):
        """End no trial by itself."""
        return False

    def stop_all(self):
        """End the run."""
        return budget_is_spent()


def train(params):
    for report in epochs(params):
        tune.report({"val_miou": report["val_miou"]})


def main():
    space = {n: (tune.loguniform if log else tune.uniform)(low, high)
             for n, (low, high, log) in FLOATS.items()}  # fmt: skip
    space |= {name: tune.choice(values) for name, values in CHOICES.items()}
    seed = int(os.environ["PEERS_SEED"])
    ray.init(num_cpus=SLOTS, include_dashboard=False)
    tuner = Tuner(
        train,
        param_space=space,
        tune_config=TuneConfig(
            metric="val_miou",
            mode="max",
            num_samples=-1,
            scheduler=ASHAScheduler(max_t=EPOCHS),
            search_alg=BasicVariantGenerator(random_state=seed, max_concurrent=SLOTS),
        ),
        run_config=RunConfig(
            name="ray",
            storage_path=str(Path.cwd()),
            stop=Budget(),
            checkpoint_config=CheckpointConfig(num_to_keep=1),
        ),
    )
    best = tuner.fit().get_best_result()
    write_winner(best.config, best.metrics["val_miou"])
    ray.shutdown()


if __name__ == "__main__":
    main()
