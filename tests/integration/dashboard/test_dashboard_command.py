"""`searchctl dashboard`: what it serves, and to whom."""

import os
import subprocess
import sys
from pathlib import Path

import optuna
import pytest
from click.testing import CliRunner

from searchctl.orchestrator.cli.main import cli
from searchctl.orchestrator.core.errors import SearchctlError
from searchctl.orchestrator.web.dashboard import make_server
from tests.servers.dashboards import TOKEN, ask, dashboard_of


def test_a_port_in_use_is_reported(swept, guarded):
    with pytest.raises(SearchctlError, match="choose another --port"):
        make_server(dashboard_of(swept), "127.0.0.1", guarded, None)


@pytest.fixture
def dashboard(swept):
    """Start the command; return its first line and its process."""
    started = []

    def start(*arguments, **environment):
        command = [str(Path(sys.executable).parent / "searchctl"), "dashboard", *arguments]
        process = subprocess.Popen(
            [*command, "--port", "0", "--db", swept.url],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1", **environment},
        )
        started.append(process)
        return process.stdout.readline().strip()

    yield start
    for process in started:
        process.terminate()
        process.communicate(timeout=30)


def port_of(line):
    return int(line.split(":")[2].split("/")[0])


def test_the_command_serves_a_sweep_to_its_own_machine(dashboard):
    line = dashboard("quick")
    assert line == f"dashboard at http://127.0.0.1:{port_of(line)}/dashboard/studies/1"
    assert ask(port_of(line))[0] == 200


def test_the_command_makes_a_token_for_any_other_address(dashboard):
    line = dashboard("--all", "--host", "0.0.0.0")
    token = line.partition("/dashboard?token=")[2]
    assert len(token) > 40
    assert ask(port_of(line))[0] == 401
    assert ask(port_of(line), Authorization=f"Bearer {token}")[0] == 200


def test_a_given_token_is_required_on_this_machine_too_and_not_printed(dashboard):
    line = dashboard("quick", SEARCHCTL_DASHBOARD_TOKEN=TOKEN)
    assert line.endswith("/dashboard/studies/1")
    assert ask(port_of(line))[0] == 401


@pytest.mark.parametrize("arguments", [(), ("quick", "--all")])
def test_one_sweep_or_all_of_them_are_served(arguments):
    assert CliRunner().invoke(cli, ["dashboard", *arguments]).exit_code == 2


def test_a_deleted_study_is_reported(sweeps):
    sweeps.launch()
    optuna.delete_study(study_name="quick", storage=sweeps.url)
    done = CliRunner().invoke(cli, ["dashboard", "quick", "--db", sweeps.url])
    assert "resume quick` recreates it" in str(done.exception)
