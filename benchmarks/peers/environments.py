"""The environments of the tuners: ours, and one for each peer that needs its own."""

import subprocess
import sys
from pathlib import Path

INSTALL_S = 300
"""A peer that is not installed within this time is dropped."""
OWN = {"syne_asha": "syne-tune==0.16.0", "neps_auto": "neural-pipeline-search==0.17.0"}
"""Tuner -> what its own environment holds. The other tuners run in searchctl's."""
TUNERS = ("searchctl_ladder", "ray_asha", "optuna_tpe", "syne_asha", "neps_auto", "random_search")


def pythons(cache: Path) -> dict[str, str]:
    """Return each tuner's Python; a peer that cannot be installed is left out, with a message."""
    found = {tuner: _python(tuner, cache) for tuner in TUNERS}
    return {tuner: python for tuner, python in found.items() if python is not None}


def _python(tuner: str, cache: Path) -> str | None:
    if tuner not in OWN:
        return sys.executable
    home = cache / OWN[tuner].replace("==", "-")
    python = home / "bin" / "python"
    if (home / "complete").exists():
        return str(python)
    try:
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(home)], check=True)
        install = [str(python), "-m", "pip", "install", "--quiet", OWN[tuner]]
        subprocess.run(install, check=True, timeout=INSTALL_S)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        print(f"{tuner} is dropped: {error}")
        return None
    (home / "complete").touch()
    return str(python)
