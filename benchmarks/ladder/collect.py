"""Puts the parts that make.py wrote together to tables for analyse.py.

python benchmarks/ladder/collect.py FOLDER     # FOLDER/*.jsonl -> results/ladder/*.jsonl
"""

import json
import sys
from pathlib import Path
from typing import Any

from benchmarks.ladder.make import SEEDS, SWEEPS
from benchmarks.machine import RESULTS, describe
from searchctl import load_sweep
from searchctl.trainer.data.samples import load_split

DIGITS = 5


def main(folder: str) -> None:
    """Write every table of which there are rows."""
    for name in SEEDS:
        parts = sorted(Path(folder).glob(f"{name}-*.jsonl"))
        rows = [json.loads(line) for part in parts for line in part.read_text().splitlines()]
        if rows:
            text = "\n".join(
                json.dumps(each) for each in (_about(name, rows, folder), *_short(rows))
            )
            (RESULTS / "ladder").mkdir(exist_ok=True)
            (RESULTS / "ladder" / f"{name}.jsonl").write_text(text + "\n")
            print(f"{name}: {len(rows)} jobs, {sum(row['seconds'] for row in rows):.0f} seconds")


def _about(name: str, rows: list[dict[str, Any]], folder: str) -> dict[str, Any]:
    file = SWEEPS / f"{'unet' if name == 'warm' else name}.yaml"
    sweep = load_sweep(file, data_root=Path(folder) / "camvid-half")
    return {
        "table": name,
        "machine": describe(),
        "images": sorted({row["images"] for row in rows}),
        "validation": len(load_split(sweep.data, "val").names),
        "epochs": sweep.recipe.epochs,
        "batch_size": sweep.recipe.batch_size,
        "params": [dict(each) for each in sweep.trials()],
    }


def _short(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    found = []
    for row in sorted(rows, key=lambda row: (row["seed"], row["images"], row["trial"])):
        trained = row["status"] == "complete"
        miou = [round(score, DIGITS) for score in row["epochs"]] if trained else []
        found.append({**{key: row[key] for key in ("seed", "images", "trial")}, "miou": miou})
    return found


if __name__ == "__main__":
    main(sys.argv[1])
