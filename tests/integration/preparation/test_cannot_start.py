"""What a sweep lacks to start is found before Ray starts, and every view shows it."""

import socket

import pytest

from tests.processes.in_process import searchctl

VIEWS = ("status", "logs")
SWEEP = """
name: lacking
data: {dataset: scenes, train: 32, val: 2, image_size: [16, 16]}
space: {lr: [0.1, 0.01]}
halving: {min_fraction: 1/2, finalists: 1}
training: {model: simple_fcn, width: 4, epochs: 1}
"""


@pytest.fixture
def launch(tmp_path):
    """Return a function that launches the sweep with these resources."""
    for name in ("rays", "work"):
        (tmp_path / name).mkdir()

    def run(resources, *options):
        write(resources)
        return command("launch", "sweep.yaml", *options)

    def write(resources):
        (tmp_path / "work/sweep.yaml").write_text(f"{SWEEP}resources: {resources}\n")

    def command(*arguments):
        env = {"RAY_TMPDIR": str(tmp_path / "rays")}
        return searchctl(*arguments, cwd=tmp_path / "work", env=env)

    run.command, run.write, run.rays = command, write, tmp_path / "rays"
    return run


@pytest.mark.parametrize(
    ("resources", "lacking", "fix"),
    [
        ("{gpus_per_trial: 9000}", "9000 GPU", "lower or remove resources.gpus_per_trial"),
        ("{cpus_per_trial: 9000}", "9000 CPU", "lower or remove resources.cpus_per_trial"),
        ("{custom: {licence: 1}}", "1 licence", "lower or remove resources.custom"),
    ],
)
def test_too_small_a_machine_is_found_before_ray_starts(launch, resources, lacking, fix):
    refused = launch(resources)
    assert refused.returncode == 1
    assert lacking in refused.stderr
    assert fix in refused.stderr
    assert "Fix it, then `searchctl resume lacking`" in refused.stderr
    assert not list(launch.rays.iterdir())
    for view in VIEWS:
        assert lacking in launch.command(view, "lacking").stdout


def test_a_wrong_address_is_the_error_of_a_sweep_that_a_resume_can_run_elsewhere(launch):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    refused = launch("{}", "--address", f"127.0.0.1:{port}")
    assert refused.returncode == 1
    for shown in (refused.stderr, *(launch.command(view, "lacking").stdout for view in VIEWS)):
        assert f"cannot join the Ray cluster at 127.0.0.1:{port}: " in shown
        assert "refused" in shown
    resumed = launch.command("resume", "lacking", "--inline")
    assert resumed.returncode == 0, resumed.stderr
    assert "COMPLETE" in launch.command("status", "lacking").stdout


def test_a_resume_that_cannot_start_keeps_the_results_and_stores_the_reason(launch):
    assert launch("{}\nbudget: {target: 0}", "--inline").returncode == 4
    before = launch.command("trials", "lacking", "--json").stdout
    launch.write("{gpus_per_trial: 9000}")
    assert "9000 GPU" in launch.command("resume", "lacking").stderr
    assert "9000 GPU" in launch.command("status", "lacking").stdout
    assert launch.command("trials", "lacking", "--json").stdout == before
