"""The file metrics.json of a final training: what was trained, and how well."""

import json
from dataclasses import asdict
from typing import Any

from upath import UPath

from searchctl.orchestrator.artifacts.export import Exported
from searchctl.trainer.core.atomic_files import write_atomically
from searchctl.trainer.core.results import JobResult


def write_metrics(out: UPath, exported: Exported, result: JobResult, **facts: Any) -> None:
    """Write metrics.json to a directory; `facts` are further JSON values."""
    metrics = {
        "configuration": exported.model_dump(mode="json", by_alias=True),
        "score": result.score,
        "kept_epoch": result.kept_epoch,
        "seconds": result.seconds,
        **facts,
        "evaluations": {split: asdict(e) for split, e in result.evaluations.items()},
        "epochs": [asdict(record) for record in result.epochs],
    }
    write_atomically(out / "metrics.json", f"{json.dumps(metrics, indent=2)}\n".encode())
