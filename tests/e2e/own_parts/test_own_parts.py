"""The example of own parts: checked, launched, exported and trained by its import paths."""

import shutil

import pytest

from tests.own_parts.own_modules import EXAMPLE
from tests.processes.in_process import searchctl

pytestmark = pytest.mark.exhaustive


def test_own_parts_are_checked_launched_exported_and_trained(tmp_path):
    for name in ("sweep.yaml", "my_nets.py", "my_losses.py", "my_loggers.py"):
        shutil.copy(EXAMPLE / name, tmp_path)
    for command in (
        ("check", "my_losses:Tversky"),
        ("launch", "sweep.yaml", "--inline"),
        ("export", "own-parts", "-o", "best.yaml"),
        ("train", "best.yaml", "-o", "out"),
    ):
        done = searchctl(*command, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
    shown = searchctl("show", "own-parts", "0", cwd=tmp_path).stdout
    assert "model_args.depth=2" in shown
