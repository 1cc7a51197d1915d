"""Writes the table of docs/peers.md from the result.

    python -m benchmarks.peers.page    # results/peers.json -> docs/peers.md

A table stands between `<!-- NAME -->` and `<!-- end -->`; the text around it is written by hand.
"""

import json
import re
from collections.abc import Iterator, Mapping
from math import sqrt
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from benchmarks.machine import RESULTS

PAGE = Path(__file__).parents[2] / "docs" / "peers.md"
RESULT = RESULTS / "peers.json"
OURS = "searchctl_ladder"
NAMES = {
    OURS: "searchctl, default ladder",
    "ray_asha": "Ray Tune, ASHA",
    "optuna_tpe": "Optuna, TPE with SHA pruner",
    "syne_asha": "Syne Tune, ASHA",
    "neps_auto": "NePS, Hyperband",
    "random_search": "random search, no pruning",
}
_BLOCK = re.compile(r"(<!-- (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
Row = Mapping[str, Any]


def main() -> None:
    """Write the page's tables."""
    PAGE.write_text(filled(PAGE.read_text(), json.loads(RESULT.read_text())))


def filled(page: str, result: Row) -> str:
    """Return the page with the tables of a result."""
    tables = {"quality": _quality, "cost": _cost}

    def block(match: re.Match[str]) -> str:
        start, kind, end = match.groups()
        return start + "\n".join(tables[kind](result["runs"])) + "\n" + end

    return _BLOCK.sub(block, page)


def _quality(runs: list[Row]) -> Iterator[str]:
    yield "| tuner | runs | winner, validation | less searchctl's | winner, test | score it saw |"
    yield "|---|---|---|---|---|---|"
    base = {run["seed"]: _worth(run, "val") for run in runs if run["tuner"] == OURS}
    for tuner, name in NAMES.items():
        own = [run for run in runs if run["tuner"] == tuner]
        pairs = [_worth(run, "val") - base[run["seed"]] for run in own if run["seed"] in base]
        less = "" if tuner == OURS else points(pairs, sign="+")
        val, test = ([_worth(run, split) for run in own] for split in ("val", "test"))
        seen = points([run["chosen_by"] for run in own])
        yield f"| {name} | {len(own)} | {points(val)} | {less} | {points(test)} | {seen} |"


def _cost(runs: list[Row]) -> Iterator[str]:
    yield "| tuner | trainings started | images trained | images validated | CPU s | wall s |"
    yield "|---|---|---|---|---|---|"
    for tuner, name in NAMES.items():
        own = [run for run in runs if run["tuner"] == tuner]
        keys = ("starts", "trained", "validated", "cpu_s", "wall_s")
        cells = [f"{fmean(run[key] for run in own):,.0f}" for key in keys]
        yield f"| {name} | {' | '.join(cells)} |"


def _worth(run: Row, split: str) -> float:
    return fmean(each[split] for each in run["judged"])


def points(values: list[float], *, sign: str = "") -> str:
    """Return the mean in hundredths, with its standard error over runs."""
    error = f" ± {100 * stdev(values) / sqrt(len(values)):.2f}" if len(values) > 1 else ""
    return f"{100 * fmean(values):{sign}.2f}{error}"


if __name__ == "__main__":
    main()
