"""NePS with the optimizer that it chooses for a space with a fidelity; two worker processes."""

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import neps
import numpy as np
import torch

from benchmarks.peers.space import CHOICES, EPOCHS, FLOATS, SLOTS
from benchmarks.peers.trial import epochs, write_winner

ROOT = "neps"


class Space(neps.PipelineSpace):
    """The common axes, and the epochs as fidelity."""

    lr = neps.Float(*FLOATS["lr"][:2], log=FLOATS["lr"][2])
    lr_decay = neps.Float(*FLOATS["lr_decay"][:2], log=FLOATS["lr_decay"][2])
    weight_decay = neps.Float(*FLOATS["weight_decay"][:2], log=FLOATS["weight_decay"][2])
    dropout = neps.Float(*FLOATS["dropout"][:2], log=FLOATS["dropout"][2])
    optimizer = neps.Categorical(CHOICES["optimizer"])
    epochs = neps.IntegerFidelity(1, EPOCHS)


def evaluate_pipeline(pipeline_directory, previous_pipeline_directory=None, **config):
    """Train up to the fidelity, from where a lower one of the same configuration ended."""
    last = config.pop("epochs")
    resume = previous_pipeline_directory or ""
    reports = list(epochs(config, last=last, out=pipeline_directory, resume=resume))
    images = int(os.environ["PEERS_IMAGES"]) * len(reports)
    return {"objective_to_minimize": 1 - reports[-1]["val_miou"], "cost": images}


def work(worker):
    seed = int(os.environ["PEERS_SEED"]) * SLOTS + worker
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    neps.run(
        evaluate_pipeline,
        Space() if worker == 0 else None,  # given twice, it is refused as another space
        root_directory=ROOT,
        total_cost_to_spend=int(os.environ["PEERS_BUDGET"]),
    )


def start(worker):
    return subprocess.Popen([sys.executable, "-m", __spec__.name, str(worker)])


def main():
    first = start(0)
    while first.poll() is None and not any(Path(ROOT, "configs").glob("config_*")):
        time.sleep(0.2)
    workers = [first, *map(start, range(1, SLOTS))]
    if any([worker.wait() for worker in workers]):
        raise SystemExit("a worker of NePS failed")
    _, best = neps.status(ROOT)
    write_winner(best.to_dict(), 1 - float(best["best_objective_to_minimize"]))


if __name__ == "__main__":
    work(int(sys.argv[1])) if len(sys.argv) > 1 else main()
