import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.processes import in_process

TINY = """\
name: tiny
seed: 3
data:
  dataset: scenes
  image_size: [32, 48]
  native_size: [64, 96]
  train: 16
  val: 4
  test: 4
training:
  model: simple_fcn
  width: 4
  epochs: 2
  batch_size: 4
space:
  lr: [1e-1, 1e-2, 1e-3, 1e-4]
  weight_decay: [0, 1e-4]
halving:
  finalists: 2
"""


def binary(name):
    return str(Path(sys.executable).parent / name)


@pytest.fixture(scope="session")
def searchctl_bin():
    return binary


def environment(**changes):
    kept = {name: value for name, value in os.environ.items() if name != "SEARCHCTL_DB_URL"}
    return {**kept, "COLUMNS": "200", **changes}


@pytest.fixture(scope="session")
def searchctl_process():
    """Run the command to its end, in a process of its own."""

    def run(*arguments, cwd, timeout=300, env=()):
        return subprocess.run(
            [binary("searchctl"), *arguments],
            cwd=cwd,
            env=environment(**dict(env)),
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    return run


@pytest.fixture(scope="session")
def searchctl(searchctl_process):
    """Run the command to its end; in this process, unless it uses Ray or trains for good.

    Ray reads whether it needs a token once, when it is imported.
    """

    def run(*arguments, cwd, env=()):
        starts_ray = arguments[0] in ("launch", "resume") and "--inline" not in arguments
        if starts_ray or arguments[0] == "train" or {"--address", "--driver"} & {*arguments}:
            return searchctl_process(*arguments, cwd=cwd, env=env)
        return in_process.searchctl(*arguments, cwd=cwd, env=env)

    return run


@pytest.fixture
def start_searchctl():
    """Start the command and leave it running, its output in a file."""
    started = []

    def start(*arguments, cwd, env=()):
        with (cwd / "output.txt").open("a") as output:
            process = subprocess.Popen(
                [binary("searchctl"), *arguments],
                cwd=cwd,
                env=environment(**dict(env)),
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.wait(30)


@pytest.fixture(scope="module")
def tiny_sweep_directory(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tiny")
    (folder / "sweep.yaml").write_text(TINY)
    return folder


@pytest.fixture
def tiny():
    """The text of a small sweep file: eight trials, three rungs."""
    return TINY


@pytest.fixture
def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]
