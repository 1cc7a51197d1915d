"""The doctor finds real faults and shows no secret."""

import json
import os
import resource
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner
from packaging.requirements import Requirement

from searchctl.orchestrator.cli.main import cli
from searchctl.orchestrator.config.sweep import Sweep
from searchctl.orchestrator.doctor.cluster import _judged
from searchctl.orchestrator.doctor.database import (
    NETWORKED,
    check_database,
    clock_finding,
    file_system,
    refused_at_launch,
)
from searchctl.orchestrator.doctor.examine import CHECKS, examine
from searchctl.orchestrator.doctor.files import check_data, check_runs
from searchctl.orchestrator.doctor.finding import About, ok
from searchctl.orchestrator.doctor.machine import check_open_files, check_shared_memory, misfits
from searchctl.orchestrator.doctor.secrets import check_secrets
from searchctl.orchestrator.executors.node_facts import NodeFacts
from searchctl.orchestrator.storage.database import VERSION_TABLE, open_database
from tests.servers.postgres_server import PostgresServer

NOWHERE = "postgresql+psycopg://me:hunter2hunter2@127.0.0.1:1/sweeps"
HERE = NodeFacts("3.12.1", {"searchctl": "1.0", "torch": "2.9", "ray": "2.50"}, 2, 10**11, 0.0)


def sweep(**sections):
    """Return a small sweep."""
    data = {"dataset": "scenes", "train": 4, "val": 2}
    space = {"lr": [0.1, 0.01]}
    return Sweep.model_validate({"name": "small", "data": data, "space": space, **sections})


def found(check, about):
    """Return the level and words of what a check finds."""
    return [(each.level, f"{each.found}; {each.fix}") for each in check(about)]


@pytest.fixture
def stored(tmp_path):
    """The URL of a database with our tables."""
    url = f"sqlite:///{tmp_path}/searchctl.db"
    open_database(url, create=True).dispose()
    return url


def test_a_database_in_order_is_reported_with_its_schema_speed_and_clock(stored):
    assert [level for level, _ in found(check_database, About(stored))] == ["ok"] * 3


def test_postgresql_in_order_is_reported_with_its_version(postgres_url):
    open_database(postgres_url, create=True).dispose()
    (_, words), *others = found(check_database, About(postgres_url))
    assert "postgresql 1" in words
    assert [level for level, _ in others] == ["ok"] * 2


def test_a_database_that_does_not_answer_is_an_error_without_its_password():
    ((level, words),) = found(check_database, About(NOWHERE))
    assert level == "error"
    assert "does not answer" in words
    assert "hunter2" not in words


@pytest.mark.usefixtures("postgres_server")  # or PostgreSQL is not installed
def test_a_database_that_refuses_the_password_is_not_to_be_started():
    with PostgresServer(password="correct horse") as server:
        for user in ("searchctl", "searchctl:hunter2hunter2"):
            url = server.url().replace("searchctl", user)
            ((level, words),) = found(check_database, About(url))
            assert level == "error"
            assert "check the user and password in $SEARCHCTL_DB_URL (or its file)" in words
            assert "hunter2" not in words


@pytest.mark.parametrize(
    ("part", "other", "fix"),
    [("searchctl@", "nobody@", "check the user"), ("/test_", "/gone_", "CREATE DATABASE")],
)
def test_an_unknown_user_or_database_has_a_fix_for_the_server(part, other, fix, postgres_url):
    ((level, words),) = found(check_database, About(postgres_url.replace(part, other)))
    assert level == "error"
    assert fix in words


@pytest.mark.parametrize(("version", "fix"), [("0001", "db upgrade"), ("9999", "newer searchctl")])
def test_a_schema_of_another_version_is_an_error_with_the_fix(version, fix, stored):
    engine = open_database(stored)
    with engine.begin() as connection:
        connection.exec_driver_sql(f"UPDATE {VERSION_TABLE} SET version_num = '{version}'")
    engine.dispose()
    (level, words), *_ = found(check_database, About(stored))
    assert level == "error"
    assert fix in words


def test_sqlite_beside_a_cluster_is_warned_of(stored):
    assert found(check_database, About(stored, "auto"))[0][0] == "warning"


@pytest.mark.parametrize(
    ("address", "nodes", "levels"),
    [("auto", 1, []), ("auto", 2, ["error"]), ("http://head:8265", 1, ["error"])],
)
def test_sqlite_is_an_error_where_launch_would_refuse_it(address, nodes, levels, stored):
    printed = refused_at_launch(About(stored, address, sweep()), nodes)
    assert [each.level for each in printed] == levels
    assert not list(refused_at_launch(About(NOWHERE, address, sweep()), nodes))


def test_sqlite_on_a_file_system_of_several_machines_is_known(tmp_path):
    mounts = tmp_path / "mounts"
    mounts.write_text(f"/dev/sda / ext4 rw 0 0\nserver:/x {tmp_path}/shared\\040disk nfs4 rw 0 0\n")
    assert file_system(tmp_path / "shared disk" / "a.db", mounts) in NETWORKED
    assert file_system(tmp_path / "a.db", mounts) == "ext4"
    assert file_system(tmp_path) not in NETWORKED  # of this very machine


def test_a_directory_that_cannot_be_written_is_an_error():
    about = About(None, sweep=sweep(storage={"runs": "/proc/runs"}))
    ((level, words),) = found(check_runs, about)
    assert level == "error"
    assert "storage.runs" in words


def test_a_writable_directory_is_not_changed(tmp_path):
    about = About(None, sweep=sweep(storage={"runs": str(tmp_path / "some" / "runs")}))
    assert {level for level, _ in found(check_runs, about)} <= {"ok", "warning"}  # of a full disk
    assert list(tmp_path.iterdir()) == []


def test_a_data_set_that_is_not_there_is_an_error_that_names_it(tmp_path):
    lost = sweep(data={"dataset": "camvid", "root": str(tmp_path / "camvid")})
    ((level, words),) = found(check_data, About(None, sweep=lost))
    assert level == "error"
    assert "camvid" in words
    assert found(check_data, About(None, sweep=sweep()))[0][0] == "ok"
    assert found(check_data, About(None)) == []


def test_data_and_files_are_not_looked_for_here_if_the_driver_runs_elsewhere(tmp_path):
    lost = sweep(data={"dataset": "camvid", "root": str(tmp_path / "camvid")})
    about = About(None, "http://head:8265", lost)
    assert [*check_data(about), *check_runs(about)] == []


@pytest.mark.parametrize("seconds", [-60, 60])
def test_a_clock_that_is_off_is_warned_of(seconds):
    assert clock_finding("clock", seconds, "its").level == "warning"
    assert clock_finding("clock", seconds / 60, "its").level == "ok"


def test_packages_that_are_missing_or_too_old_are_errors_with_the_command():
    requirements = [
        Requirement("torch>=99"),
        Requirement("no-such-package"),
        Requirement("click>=8"),
    ]
    found_ = [(each.level, each.fix) for each in misfits(requirements)]
    assert found_ == [
        ("error", "pip install 'torch>=99'"),
        ("error", "pip install 'no-such-package'"),
    ]


def test_little_shared_memory_and_few_open_files_are_warned_of(few_open_files):
    assert found(lambda about: check_shared_memory(about, Path("/sys")), About(None))[0][0] == (
        "warning"
    )
    with few_open_files():
        assert found(check_open_files, About(None))[0][0] == "warning"


@pytest.fixture
def few_open_files():
    """Let this process open few files for a while."""

    @contextmanager
    def limited():
        before = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (512, before[1]))
        yield
        resource.setrlimit(resource.RLIMIT_NOFILE, before)

    return limited


def test_secrets_that_others_may_read_or_guess_are_reported_and_not_quoted(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert found(lambda about: check_secrets(about, {}), About(None))[0][0] == "ok"
    token = tmp_path / "token"
    token.write_text("swordfish")
    token.chmod(0o644)
    (tmp_path / ".env").write_text("A=change-me")
    (tmp_path / ".env").chmod(0o600)
    variables = {
        "RAY_AUTH_TOKEN_PATH": str(token),
        "PGPASSFILE": str(tmp_path / "gone"),
        "SEARCHCTL_DASHBOARD_TOKEN": "aaaaaaaaaaaaaaaaaaaaaa",
    }
    words = [f"{w}" for _, w in found(lambda about: check_secrets(about, variables), About(None))]
    reported = (
        "which is not a file",
        f"chmod 600 {token}",
        "public secrets of the sample",
        "can be guessed",
    )
    assert len(words) == len(reported)
    for each in reported:
        assert sum(each in word for word in words) == 1
    assert "swordfish" not in str(words)
    assert "aaaa" not in str(words)


def test_a_check_that_fails_hides_no_other_and_no_secret_is_shown(monkeypatch):
    monkeypatch.setenv("MY_TOKEN", "opensesame")

    def broken(about):
        yield ok("this", "is reported before it fails")
        raise ValueError("hunter2hunter2 and opensesame")

    checks = {"broken": broken, "other": lambda about: [ok("other", "fine")]}
    findings = list(examine(About(NOWHERE), checks))
    assert [each.what for each in findings] == ["this", "broken", "other"]
    assert findings[1].found == "the check failed: ValueError: *** and ***"


@pytest.mark.parametrize(
    ("changed", "level", "words"),
    [
        ({}, "ok", "2 GPU"),
        ({"gpus": 1}, "error", "Ray assigns 2 GPUs to n, but only 1 are visible"),
        ({"gpus": 4}, "warning", "--num-gpus 4"),
        ({"python": "3.11.9"}, "error", "Python 3.11.9, this machine 3.12.1"),
        ({"packages": {"torch": "2.8", "ray": "2.50"}}, "warning", "torch==2.9"),
        ({"packages": {"torch": "2.9"}}, "error", "ray: not installed"),
        ({"disk_free": 10**8}, "warning", "make room"),
    ],
)
def test_a_node_is_checked_against_ray_and_this_machine(changed, level, words):
    facts = NodeFacts(**{**vars(HERE), **changed})
    (finding,) = _judged("n", {"CPU": 8.0, "GPU": 2.0}, facts, HERE, 0.0)
    assert finding.level == level
    assert words in f"{finding.found} {finding.fix}"


def test_a_nodes_clock_and_its_silence_are_reported():
    (clock,) = _judged("n", {"GPU": 2.0}, HERE, HERE, 30.0)
    assert (clock.level, clock.what) == ("warning", "node clock")
    (silent,) = _judged("n", {}, "no space left", HERE, 0.0)
    assert (silent.level, "no space left" in silent.found) == ("error", True)


def test_the_command_prints_all_findings_and_exits_with_1(tmp_path, monkeypatch):
    monkeypatch.delitem(CHECKS, "Ray")  # a cluster of its own takes seconds: see test_ray_doctor
    monkeypatch.chdir(tmp_path)
    Path("sweep.yaml").write_text("data: {dataset: scenes}\nspace: {lr: [0.1]}\ncolour: blue\n")
    done = CliRunner().invoke(cli, ["doctor", "sweep.yaml", "--db", NOWHERE, "--json"])
    printed = json.loads(done.stdout)
    assert done.exit_code == 1
    errors = [each["what"] for each in printed["findings"] if each["level"] == "error"]
    assert errors == ["sweep file", "database"]
    assert printed["counts"]["error"] == 2
    assert "hunter2" not in done.output
    assert os.listdir() == ["sweep.yaml"]


def test_the_command_prints_the_fix_below_each_finding(tmp_path, monkeypatch):
    monkeypatch.delitem(CHECKS, "Ray")
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(cli, ["doctor", "--db", f"sqlite:///{tmp_path}/none/a.db"])
    assert done.exit_code == 1
    assert f"fix: mkdir -p {tmp_path}/none" in done.output
    assert done.output.splitlines()[-1].startswith("1 error, ")
