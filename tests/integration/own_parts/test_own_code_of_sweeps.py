"""A sweep with a network of the user's own: what is stored of it, and what a resume takes."""

import shutil

import pytest
from upath import UPath

from searchctl.orchestrator.artifacts.export import export, read_exported, write
from searchctl.orchestrator.artifacts.garbage import collect
from searchctl.orchestrator.config.load import load_sweep
from searchctl.orchestrator.core.errors import SearchctlError, SweepChanged
from searchctl.orchestrator.executors.inline import InlineExecutor
from searchctl.orchestrator.facts.ranking import rank_trials
from searchctl.orchestrator.run.final.training import train_exported
from searchctl.orchestrator.run.launch import run
from searchctl.orchestrator.run.preparation.prepare import prepare
from searchctl.orchestrator.run.resume import prepare_resume
from searchctl.trainer.core.errors import CodeError
from searchctl.trainer.own_code.imports import use_code
from tests.own_parts.own_code import FILES, TRAVELS, write_own_code
from tests.processes.in_process import searchctl


@pytest.fixture
def user(tmp_path):
    """The user's directory."""
    folder = tmp_path / "user"
    write_own_code(folder, more=f"storage: {{runs: {tmp_path / 'runs'}}}\n")
    yield folder
    use_code(None)


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path}/sweeps.db"


@pytest.fixture
def stored(user, url):
    """The sweep, stored and not run."""
    return prepare(load_sweep(user / "sweep.yaml"), url, user / "sweep.yaml", inline=True)


def resumed(url, **options):
    return prepare_resume("own", url, inline=True, **options)


def test_the_code_is_stored_and_a_sweep_runs_and_is_exported_without_the_users_directory(
    user, url, stored, tmp_path
):
    assert [name for name, _ in stored.code.files] == TRAVELS
    shutil.rmtree(user)
    assert run(resumed(url), executor=InlineExecutor()).state == "COMPLETE"
    collect(stored.engine, stored.row, stored.runs, strays=True)
    (best,) = rank_trials(stored.engine, stored.row, 1)
    assert stored.code.contents()
    (file,) = write([export(stored.sweep, best, stored.initial)], "yaml", tmp_path / "best.yaml")
    assert sorted(p.name for p in (tmp_path / "code").rglob("*.*")) == sorted(
        name.rpartition("/")[2] for name in TRAVELS
    )
    result = train_exported(read_exported(file), UPath(tmp_path / "trained"))
    assert result.score == pytest.approx(best.score)
    use_code(None)
    (tmp_path / "code/own_net.py").write_text("")
    with pytest.raises(CodeError, match=r"own_net.py in .*: missing, or changed"):
        train_exported(read_exported(file), UPath(tmp_path / "again"))


def test_a_changed_file_is_refused_by_name_unless_the_stored_copy_or_the_change_is_requested(
    user, url, stored
):
    (user / "unrelated.py").write_text("")
    assert resumed(url).code == stored.code
    (user / "own_net.py").unlink()
    assert resumed(url).code == stored.code  # of the copy
    write_own_code(user, more=f"storage: {{runs: {user.parent / 'runs'}}}\n")
    (user / "own_parts/kernel.json").write_text("1")
    with pytest.raises(SweepChanged, match=r"own_parts/kernel.json in .*: not what 'own' was"):
        resumed(url)
    assert resumed(url, stored=True).code == stored.code
    accepted = resumed(url, accept_changes=True)
    assert accepted.code.hash != stored.code.hash
    assert any("code.own_parts/kernel.json" in change for change in accepted.changes)


def test_a_table_that_does_not_travel_is_named_before_the_sweep_is_stored(user, url):
    text = (user / "sweep.yaml").read_text()
    (user / "sweep.yaml").write_text(text.replace("code: [own_parts/kernel.json]\n", ""))
    with pytest.raises(SearchctlError, match=r"code: \[own_parts/kernel.json\]"):
        prepare(load_sweep(user / "sweep.yaml"), url, user / "sweep.yaml", inline=True)


def test_validate_lists_what_travels_only_on_request(user):
    done = searchctl("validate", "sweep.yaml", "--import", cwd=user)
    assert done.returncode == 0, done.stderr
    assert [line.strip() for line in done.stdout.splitlines()[-4:]] == TRAVELS
    (user / "own_net.py").write_text(FILES["own_net.py"] + "raise ValueError('mine')\n")
    assert searchctl("validate", "sweep.yaml", cwd=user).returncode == 0
    done = searchctl("validate", "sweep.yaml", "--import", cwd=user)
    assert done.returncode == 1
    assert 'File "own_net.py", line 13, in <module>' in done.stderr
