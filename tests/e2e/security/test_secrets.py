"""A sweep exposes no socket beyond this machine, no password and no token.

One real sweep under Ray, on PostgreSQL with a password in $SEARCHCTL_DB_URL, is looked at all the
while; afterwards everything that it has left behind is searched.
"""

import gc
import os
import shutil
import subprocess
import tempfile
import time
import warnings
from pathlib import Path

import grpc
import pytest
from click.testing import CliRunner
from sqlalchemy import create_engine, inspect, text

from searchctl.orchestrator.cli.main import cli
from tests.processes.running_processes import Shown, is_loopback

SECRET = "Pwd-q7Zk31vX"
SWEEP = """\
name: small
data: {dataset: scenes, image_size: [32, 48], train: 16, val: 6, test: 4}
training: {model: simple_fcn, width: 4, epochs: 2, batch_size: 4}
space: {lr: [1e-1, 1e-2, 1e-3]}
halving: {finalists: 2}
resources: {max_parallel: 1}
storage: {url: '${SEARCHCTL_DB_URL}'}
"""
COMMANDS = (
    "status small --json",
    "list --json",
    "show small 1",
    "explain small",
    "report small -o {out}/report.html",
    "report small --format json",
    "logs small",
    "export small",
    "verify small",
    "gc small",
    "doctor",
    "dashboard nowhere",
    "resume small --inline",
)


class Launched:
    """A sweep that has run, and all that was seen of it."""

    def __init__(self, folder, server):
        self.folder = folder
        self.home, self.sessions = folder / "home", Path(tempfile.mkdtemp(prefix="ray-"))
        (self.home / ".ray").mkdir(parents=True)
        (self.home / ".ray/searchctl_token").write_text("f" * 64)
        self.url = server.new_database().replace("searchctl@", f"searchctl:{SECRET}@")
        self.server = server
        self.shown = Shown()
        self.refusals = []

    @property
    def env(self):
        places = {"HOME": str(self.home), "RAY_TMPDIR": str(self.sessions)}
        return {**os.environ, **places, "SEARCHCTL_DB_URL": self.url}

    def launch(self, command):
        with (self.folder / "output.txt").open("w") as output:
            process = subprocess.Popen(
                command, cwd=self.folder, env=self.env, stdout=output, stderr=output
            )
            while process.poll() is None:
                self.shown.look(process.pid)
                self.refusals += self.knock()
                time.sleep(0.5)
        output = (self.folder / "output.txt").read_text()
        assert process.returncode == 0, output

    def knock(self):
        """Query Ray's control store for its nodes, once, without the token."""
        found = [at for at, what in self.shown.listens_at.items() if "/gcs_server " in what]
        if not found or self.refusals:
            return []
        with grpc.insecure_channel(f"127.0.0.1:{found[0].rpartition(':')[2]}") as channel:
            try:
                channel.unary_unary("/ray.rpc.NodeInfoGcsService/GetAllNodeInfo")(b"", timeout=5)
            except grpc.RpcError as error:
                return [error.code()]
        return ["answered"]


@pytest.fixture(scope="module")
def launched(postgres_server, searchctl_bin, tmp_path_factory):
    launched = Launched(tmp_path_factory.mktemp("launched"), postgres_server)
    (launched.folder / "sweep.yaml").write_text(SWEEP)
    launched.launch([searchctl_bin("searchctl"), "launch", "sweep.yaml"])
    yield launched
    shutil.rmtree(launched.sessions, ignore_errors=True)


def holding(folder):
    return [path for path in folder.rglob("*") if path.is_file() and SECRET in read(path)]


def contents(url):
    """Return all rows of every table as one text, by the table's name."""
    engine = create_engine(url)
    with engine.connect() as connection:
        found = {
            # tuples: a row's own text is cut off
            name: str([tuple(row) for row in connection.execute(text(f'SELECT * FROM "{name}"'))])
            for name in inspect(connection).get_table_names()
        }
    engine.dispose()
    return found


def output_of(command):
    """Run a command in this process; return its exit code and all that it says."""
    with warnings.catch_warnings():
        # it leaves its connections to the end of the process
        warnings.simplefilter("ignore", ResourceWarning)
        done = CliRunner().invoke(cli, command.split())
        seen = done.exit_code, done.output + repr(done.exception)
        del done
        gc.collect()
    return seen


def read(path):
    return path.read_bytes().decode(errors="replace")


def test_nothing_of_a_launch_listens_beyond_this_machine(launched):
    assert len(launched.shown.listens_at) > 5  # Ray's processes were seen
    open_doors = {at: who for at, who in launched.shown.listens_at.items() if not is_loopback(at)}
    assert open_doors == {}


def test_ray_requires_its_token_which_only_this_user_can_read(launched):
    assert launched.refusals == [grpc.StatusCode.UNAUTHENTICATED]
    token = launched.home / ".ray/searchctl_token"
    assert (token.stat().st_mode & 0o777, token.read_text()) == (0o600, "f" * 64)


def test_a_launch_leaves_no_token_that_the_users_other_clusters_would_require(launched):
    assert [path.name for path in (launched.home / ".ray").iterdir()] == ["searchctl_token"]


def test_no_command_line_shows_a_secret(launched):
    assert any("ray::" in each for each in launched.shown.commands)  # workers were seen
    secrets = (SECRET, "f" * 64)
    assert not [each for each in launched.shown.commands if any(s in each for s in secrets)]


def test_the_password_is_in_no_table(launched):
    rows = contents(launched.url)
    assert "${SEARCHCTL_DB_URL}" in rows["searchctl_sweeps"]  # the file was stored, as it is
    assert "study_user_attributes" in rows  # Optuna's are among them
    assert [name for name, content in rows.items() if SECRET in content] == []


def test_the_password_is_in_no_file_and_no_log(launched):
    assert list(launched.sessions.rglob("raylet.out"))  # Ray has logged
    assert holding(launched.sessions) == []
    assert holding(launched.folder) == []  # its output, and the runs
    assert SECRET not in (launched.server.folder / "log.txt").read_text()


@pytest.mark.parametrize("command", COMMANDS)
def test_no_command_prints_the_password(command, launched, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SEARCHCTL_DB_URL", launched.url)
    _, output = output_of(command.format(out=tmp_path))
    assert len(output) > 20
    assert SECRET not in output
    assert holding(tmp_path) == []


BROKEN = {
    "no server": lambda url, port: url.replace(f":{port}/", ":1/"),
    "no such database": lambda url, port: f"{url}x",
    "no such user": lambda url, port: url.replace("searchctl:", "nobody:"),
    "no such option": lambda url, port: f"{url}?nonsense={SECRET}",
    "no port": lambda url, port: url.replace(f":{port}/", ":port/"),
    "no such driver": lambda url, port: url.replace("psycopg", "psycopg7"),
    "an @ in the password": lambda url, port: url.replace(SECRET, f"a@{SECRET}"),
    "a password among the options": lambda url, port: f"{url}x?password={SECRET}",
}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
def test_no_failing_connection_prints_the_password(broken, launched, monkeypatch):
    url = broken(launched.url, launched.server.port)
    assert url != launched.url
    monkeypatch.setenv("SEARCHCTL_DB_URL", url)
    code, output = output_of("status small")
    assert code != 0
    assert SECRET not in output
