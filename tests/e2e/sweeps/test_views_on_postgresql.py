"""Every command that looks at a sweep, on PostgreSQL: its numbers have types of their own."""

import pytest

SWEEP = """\
name: small
data: {dataset: scenes, image_size: [32, 48], train: 16, val: 6, test: 4}
training: {model: simple_fcn, width: 4, epochs: 2, batch_size: 4}
space: {lr: [1e-1, 1e-2, 1e-3, 1e-4]}
halving: {finalists: 2, repeats: 2, audit: 1}
"""
COMMANDS = (
    "status small",
    "list",
    "show small 1",
    "explain small 1",
    "explain small",
    "pareto small",
    "trials small",
    "compare small 0 1",
    "report small -o report.html",
    "report small --format json -o report.json",
    "logs small",
    "watch small",
    "plan --against small",
    "verify small",
    "gc small",
    "export small -o best.yaml",
)


@pytest.fixture(scope="module")
def on_launched(postgres_server, searchctl, tmp_path_factory):
    """Run a command where a sweep was launched, on its database."""
    folder = tmp_path_factory.mktemp("launched")
    env = {"SEARCHCTL_DB_URL": postgres_server.new_database()}
    (folder / "sweep.yaml").write_text(SWEEP)
    done = searchctl("launch", "sweep.yaml", "--inline", cwd=folder, env=env)
    assert "Winner: trial" in done.stdout, done.stdout + done.stderr
    return lambda command: searchctl(*command.split(), cwd=folder, env=env)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_reads_a_sweep_on_postgresql(on_launched, command):
    done = on_launched(command)
    assert done.returncode == 0, done.stdout + done.stderr
