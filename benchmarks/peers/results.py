"""Puts the runs of a folder together to benchmarks/results/peers.json."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.machine import keep

from .judge import SEEDS
from .space import EPOCHS, SLOTS
from .trial import spent

Row = dict[str, Any]


def write(folder: Path) -> None:
    """Write the result of all runs that are judged so far."""
    shape = {"epochs": EPOCHS, "slots": SLOTS, "new_seeds": list(SEEDS)}
    keep("peers", {**shape, "runs": list(_rows(folder))})


def _rows(folder: Path) -> Iterator[Row]:
    for stored in sorted(folder.glob("*/run.json")):
        files = [stored.with_name(f"judged-{seed}.json") for seed in SEEDS]
        if all(file.exists() for file in files):
            judged = [json.loads(file.read_text()) for file in files]
            images = spent(stored.with_name("spent"))
            yield {**json.loads(stored.read_text()), **images, "judged": judged}
