"""`searchctl train` that is killed and stopped on its way ends where an undisturbed one ends."""

import json
import os
import re
import signal
import time

import pytest
from upath import UPath

from searchctl.orchestrator.artifacts.export import read_exported
from searchctl.orchestrator.run.final.training import train_exported

CONFIGURATION = """\
seed: 3
data: {dataset: scenes, image_size: [32, 48], native_size: [64, 96], train: 16, val: 4, test: 4}
training: {model: simple_fcn, width: 2, dropout: 0.1, augment: flips, epochs: 60, batch_size: 8,
           lr_schedule: one_cycle, threads: 1, loader_workers: 1}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("train")
    (folder / "best.yaml").write_text(CONFIGURATION)
    return folder


@pytest.fixture
def interrupt(folder, start_searchctl):
    """Start a training, wait for its third epoch, send a signal to it and its loader's workers."""

    def run(number):
        (folder / "output.txt").unlink(missing_ok=True)
        process = start_searchctl("train", "best.yaml", "-o", "disturbed", cwd=folder)
        deadline = time.monotonic() + 120
        while (output := (folder / "output.txt").read_text()).count("train loss") < 3:
            assert process.poll() is None, output
            assert time.monotonic() < deadline, output
            time.sleep(0.01)
        os.killpg(process.pid, number)
        return process.wait(60), (folder / "output.txt").read_text()

    return run


def learned(folder):
    metrics = json.loads((folder / "metrics.json").read_text())
    epochs = [{**epoch, "seconds": 0} for epoch in metrics["epochs"]]
    return {**metrics, "seconds": 0, "epochs": epochs}, (folder / "model.safetensors").read_bytes()


@pytest.mark.exhaustive
def test_a_training_killed_and_stopped_on_its_way_ends_as_an_undisturbed_one(
    folder, interrupt, searchctl
):
    code, output = interrupt(signal.SIGKILL)
    assert (code, "resuming after" in output) == (-signal.SIGKILL, False)
    for number, exit_code in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
        code, output = interrupt(number)
        assert code == exit_code
        started = int(re.search(r"^resuming after epoch (\d+) of 60$", output, re.M)[1])
        assert f"epoch {started + 1}/60" in output
        ended = re.search(r"^stopped after (\d+) of 60 epochs: the same command", output, re.M)
        assert int(ended[1]) >= started + 3
        assert output.count("stopping; nothing is lost") == 1

    done = searchctl("train", "best.yaml", "-o", "disturbed", cwd=folder)
    assert f"resuming after epoch {ended[1]} of 60" in done.stdout
    train_exported(read_exported(folder / "best.yaml"), UPath(folder / "whole"))
    assert learned(folder / "disturbed") == learned(folder / "whole")
    files = sorted(path.name for path in (folder / "disturbed").iterdir())
    assert files == ["README.md", "metrics.json", "model.safetensors"]
