"""Describes the machine of a benchmark, and stores its result."""

import json
import os
import platform
import sys
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"


def describe() -> dict[str, Any]:
    """Return the processor, its cores and the versions of the main packages."""
    packages = ("torch", "ray", "optuna", "numpy", "sqlalchemy")
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "system": platform.system(),
        "python": sys.version.split()[0],
        **{package: _version(package) for package in packages},
    }


def keep(name: str, result: dict[str, Any]) -> None:
    """Print a result and write it to benchmarks/results, with the machine and the date."""
    date = datetime.now(UTC).strftime("%Y-%m-%d")
    text = json.dumps({"date": date, "machine": describe(), **result}, indent=2)
    print(text)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.json").write_text(text + "\n")


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
