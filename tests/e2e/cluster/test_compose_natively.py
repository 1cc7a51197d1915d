"""docker-compose.yml, unchanged, run without Docker: a sweep outlives one of its workers."""

import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.processes.running_processes import Shown
from tests.servers.compose_natively import FILE, Natively, env_file

pytestmark = pytest.mark.exhaustive

LAUNCH = re.search(r"docker compose exec head (searchctl launch .+)", FILE.read_text())[1]
"""The command that the file's own comment gives."""


@pytest.fixture(scope="module")
def stack(postgres_server, searchctl):
    folder = Path(tempfile.mkdtemp(prefix="up-"))  # short: Ray's sockets are below it
    assert searchctl("init", str(folder / "searchctl"), cwd=folder).returncode == 0
    env = env_file(folder / "searchctl/.env") | {"SEARCHCTL_WORKER_CPUS": "1"}
    stack = Natively(folder, env)
    try:
        stack.up()
        yield stack
    finally:
        stack.remove()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def stranger(stack, tmp_path_factory):
    """A client of Ray without the token, while the sweep runs: it takes its time to give up."""
    code = f"import ray; ray.init('{stack.at_head}', logging_level='ERROR')"
    env = {"HOME": str(tmp_path_factory.mktemp("home")), "PATH": "", "RAY_AUTH_MODE": "disabled"}
    with subprocess.Popen(
        [sys.executable, "-c", code], env=env, stderr=subprocess.PIPE, text=True
    ) as process:
        yield process


@pytest.fixture(scope="module")
def launched(stack, stranger):
    """The output of a sweep, one of whose workers is killed while it trains."""
    process, shown = stack.exec("head", LAUNCH.split()), Shown()
    output = stack.folder / "output.txt"
    while "rung 0 1/6" not in output.read_text() and process.poll() is None:
        time.sleep(0.1)
    for pid in (process.pid, *stack.pids()):
        shown.look(pid)
    stack.containers["worker-2"].kill()
    assert process.wait(120) == 0, output.read_text()
    return output.read_text(), shown.commands


def ask(url, token=None):
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    request = urllib.request.Request(url, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as got:
            return got.status, got.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, ""


def test_a_sweep_outlives_a_worker_that_is_killed(stack, launched):
    output, _ = launched
    assert "rung 0 closed" in output
    assert "Winner: trial" in output
    assert not stack.is_healthy("worker-2")
    done = stack.exec("head", ["searchctl", "status", "first", "--json"])
    assert done.wait(60) == 0
    status = json.loads((stack.folder / "output.txt").read_text())
    assert [rung["trials"] for rung in status["rungs"]] == [6, 3, 2]
    assert status["state"] == "COMPLETE"


def test_the_dashboard_opens_with_its_token_only(stack, launched):
    page = f"http://127.0.0.1:{stack.dashboard}/report/first"
    assert ask(page)[0] == 401
    assert ask(page, "0" * 64)[0] == 401
    status, text = ask(page, stack.env["SEARCHCTL_DASHBOARD_TOKEN"])
    assert status == 200
    assert "Winner" in text


def test_ray_refuses_a_client_without_the_token(stack, stranger, launched):
    _, output = stranger.communicate(timeout=120)
    assert stranger.returncode != 0
    assert "Unauthenticated" in output
    assert ask(f"http://{stack.jobs}/api/jobs/")[0] == 401
    token = stack.env["SEARCHCTL_RAY_TOKEN"]
    assert ask(f"http://{stack.jobs}/api/jobs/", token)[0] == 200


def test_no_secret_is_in_a_log_or_on_a_command_line(stack, launched):
    secrets = [value for name, value in stack.env.items() if "_TOKEN" in name or "_PASS" in name]
    assert len(secrets) == 3
    logs = [*stack.folder.glob("*.txt"), *stack.folder.glob("r/session_latest/logs/**/*.*")]
    assert len(logs) > 20  # Ray's own among them
    seen = "".join(log.read_text(errors="replace") for log in logs if log.is_file())
    assert any("raylet" in command for command in launched[1])
    seen += "".join(launched[1])
    assert not [secret for secret in secrets if secret in seen]
