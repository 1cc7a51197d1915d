"""searchctl at its defaults: 16 random points, as sweep.yaml in this folder's parent writes."""

import os
import subprocess
from pathlib import Path

from benchmarks.peers.trial import write_winner
from searchctl.orchestrator.facts.ranking import rank_trials
from searchctl.orchestrator.storage.database import open_database
from searchctl.orchestrator.storage.reads import queries

SWEEP = Path(__file__).parents[1] / "sweep.yaml"
NAME = "measured"
DATABASE = "sqlite:///sweep.db"


def main():
    data, python = os.environ["PEERS_DATA"], os.environ["PEERS_PYTHON"]
    given = {
        "seed": os.environ["PEERS_SEED"],
        "data.train_list": f"{data}/train.txt",
        "data.val_list": f"{data}/val.txt",
        "training.values.data_dir": data,
        "storage.runs": str(Path.cwd() / "runs"),
    }
    options = [part for name, value in given.items() for part in ("--set", f"{name}={value}")]
    command = [python, "-m", "searchctl", "launch", str(SWEEP), "--name", NAME]
    command += ["--db", DATABASE, *options]
    subprocess.run(command, check=True)
    engine = open_database(DATABASE)
    best = rank_trials(engine, queries.find_sweep(engine, NAME), top=1)[0]
    write_winner(dict(best.params), best.score)


if __name__ == "__main__":
    main()
