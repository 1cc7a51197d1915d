"""The built wheel, in an environment that sees the dependencies but not this checkout."""

import subprocess
import sys
import tarfile
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


def run(*command, cwd):
    done = subprocess.run(
        list(map(str, command)), cwd=cwd, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The sdist, and the wheel that is built from it: what a user without the links gets."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    files = run("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", cwd=ROOT)
    for name in filter(None, files.split("\0")):
        if name.partition("/")[0] not in ("tests", "benchmarks") and (ROOT / name).exists():
            target = source / name
            target.parent.mkdir(parents=True, exist_ok=True)
            if (ROOT / name).is_symlink():
                target.symlink_to((ROOT / name).readlink())
            else:
                target.write_bytes((ROOT / name).read_bytes())
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, source, cwd=folder)
    return folder


@pytest.fixture(scope="module")
def wheel(built):
    (wheel,) = built.glob("*.whl")
    return wheel


def test_the_sdist_holds_each_module_once_as_a_file(built):
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        members = {each.name.partition("/")[2]: each for each in archive.getmembers()}
    for module in ("trainer/__init__.py", "orchestrator/cli/main.py", "searchspace/__init__.py"):
        assert members[f"searchctl/{module}"].isfile()
        assert module not in members


@pytest.fixture(scope="module")
def clean(wheel, tmp_path_factory):
    """A fresh environment with the wheel installed; returns its bin directory."""
    folder = tmp_path_factory.mktemp("clean")
    venv.create(folder, with_pip=True)
    run(folder / "bin/python", "-m", "pip", "install", "--no-deps", wheel, cwd=folder)
    (packages,) = folder.glob("lib/python*/site-packages")
    # .pth files of a directory that is itself named in one are not read: the checkout stays hidden
    folders = [each for each in sys.path if Path(each).name == "site-packages"]
    (packages / "dependencies.pth").write_text("\n".join(folders) + "\n")
    return folder / "bin"


def test_the_package_comes_from_the_wheel(clean, tmp_path):
    code = (
        "import searchctl.trainer as t, searchctl.searchspace as s; print(t.__file__, s.__file__)"
    )
    for path in run(clean / "python", "-c", code, cwd=tmp_path).split():
        assert path.startswith(str(clean.parent))


def test_the_wheel_holds_migrations_templates_and_type_markers(wheel, tmp_path):
    names = run(sys.executable, "-m", "zipfile", "-l", wheel, cwd=tmp_path)
    assert "searchctl/orchestrator/storage/migrations/versions/0001" in names
    for template in (ROOT / "orchestrator/report/templates").iterdir():
        assert f"searchctl/orchestrator/report/templates/{template.name}" in names
    assert "searchctl/py.typed" in names
    for package in ("searchspace", "trainer", "orchestrator"):
        assert f"searchctl/{package}/py.typed" in names
        assert f"\n{package}/" not in names
    assert "tests/" not in names


def test_the_installed_command_runs_a_sweep(clean, tiny, tmp_path):
    (tmp_path / "sweep.yaml").write_text(tiny)
    output = run(clean / "searchctl", "launch", "sweep.yaml", "--inline", cwd=tmp_path)
    assert "Winner: trial" in output
