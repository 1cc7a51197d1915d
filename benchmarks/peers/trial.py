"""Starts the training script for a tuner, and hands its epochs over one by one.

Imports the standard library alone: it also runs in the peers' own environments.
"""

import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from .space import AXES, EPOCHS

TRAIN = Path(__file__).with_name("train.py")


def epochs(
    params: Mapping[str, Any], *, last: int = EPOCHS, out: object = "", resume: object = ""
) -> Iterator[dict[str, Any]]:
    """Train on all images, and yield what the script reports after each epoch.

    The script waits while the caller has an epoch, and ends when the caller drops the iterator.

    Args:
        params: a value for each axis of the space.
        last: the epoch after which to end; the schedule is that of the full training.
        out: directory for a checkpoint of each epoch.
        resume: directory with the checkpoint to resume from.
    """
    data = Path(os.environ["PEERS_DATA"])
    given = {name: params[name] for name in AXES} | {
        "data": data, "train": data / "train.txt", "val": data / "val.txt",
        "epochs": EPOCHS, "last": last, "seed": os.environ["PEERS_SEED"],
        "out": out, "resume": resume,
    }  # fmt: skip
    options = [f"--{name}={value}" for name, value in given.items()]
    command = [os.environ["PEERS_PYTHON"], str(TRAIN), "--step", *options]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    ) as process:
        try:
            yield from _reports(process)
        finally:
            process.kill()
    if process.returncode > 0:
        raise RuntimeError(f"the script ended with exit code {process.returncode}: {command}")


def _reports(process: subprocess.Popen[str]) -> Iterator[dict[str, Any]]:
    assert process.stdin is not None
    assert process.stdout is not None
    for line in process.stdout:
        yield json.loads(line)
        process.stdin.write("\n")
    process.wait()


def spent(file: Path | None = None) -> dict[str, int]:
    """Return the trainings that this run has started, and the images they trained and validated."""
    file = file or Path(os.environ["PEERS_SPENT"])
    rows = [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
    images = {key: sum(row[key] for row in rows) for key in ("trained", "validated")}
    return {"starts": sum(row["trained"] == 0 for row in rows), **images}


def budget_is_spent() -> bool:
    """Whether the trainings of this run have used the budget of training images."""
    return spent()["trained"] >= int(os.environ["PEERS_BUDGET"])


def write_winner(params: Mapping[str, Any], score: float) -> None:
    """Leave the tuner's choice, and the score by which it chose, in the working directory."""
    winner = {"params": {name: params[name] for name in AXES}, "chosen_by": score}
    Path("winner.json").write_text(json.dumps(winner))
