"""One import name, searchctl, that costs nothing to import; the bare names stay the user's."""

import subprocess
import sys
from importlib.metadata import version

import pytest

import searchctl

EVERY_MODULE = """
import importlib, pkgutil, sys, warnings
warnings.simplefilter("ignore")
import searchctl
for module in pkgutil.walk_packages(searchctl.__path__, "searchctl."):
    if not module.name.endswith("__main__") and ".migrations." not in module.name:
        importlib.import_module(module.name)
ours = [name for name in sys.modules if name.startswith("searchctl.")]
assert len(ours) > 200, len(ours)
print([name for name in ("trainer", "orchestrator", "searchspace") if name in sys.modules])
"""
LIGHT = """
import sys, searchctl
assert {"load_sweep", "launch"} <= set(dir(searchctl)), dir(searchctl)
heavy = ("torch", "ray", "numpy", "pydantic", "optuna", "sqlalchemy", "click")
print([name for name in heavy if name in sys.modules])
"""


def python(*arguments, cwd):
    return subprocess.run(
        [sys.executable, *arguments], cwd=cwd, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    "code",
    [
        pytest.param(EVERY_MODULE, marks=pytest.mark.exhaustive, id="no bare name"),
        pytest.param(LIGHT, id="nothing heavy"),
    ],
)
def test_importing_searchctl_imports(code, tmp_path):
    done = python("-c", code, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "[]\n"), done.stderr


def test_a_public_name_is_listed_and_there(tmp_path):
    assert set(searchctl.__all__) <= set(dir(searchctl))
    assert all(getattr(searchctl, name).__doc__ for name in searchctl.__all__)


def test_a_name_that_is_not_public_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'Driver'"):
        searchctl.Driver  # noqa: B018 - the look-up itself is what must fail


def test_the_package_runs_as_the_command(tmp_path):
    done = python("-m", "searchctl", "--version", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith(f"version {version('searchctl')}\n")


def test_what_launches_a_sweep_is_imported_without_torch():
    code = "import sys, searchctl.orchestrator.run.launch; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
