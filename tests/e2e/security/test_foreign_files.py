"""Files that come from elsewhere run no code: sweep files, configurations, weights, caches."""

import gc
import os
import warnings

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from searchctl.orchestrator.cli.main import cli
from searchctl.trainer.data.cache.entry import Entry

SWEEP = """\
name: small
data: {dataset: scenes, image_size: [32, 48], train: 16, val: 4, test: 4}
training: {model: simple_fcn, width: 4, epochs: 1, batch_size: 4}
space: {lr: [0.1, 0.01]}
"""
TRAINED = """\
data: {dataset: scenes, image_size: [32, 48], train: 16, val: 4, test: 4}
training: {model: simple_fcn, width: 4, epochs: 1, batch_size: 4}
"""
CALLS = (
    "!!python/object/apply:os.mkdir [victim]",
    "!!python/object/new:os.mkdir [victim]",
    "!!python/name:os.mkdir",
    "__import__('os').mkdir('victim')**2",
    "sqrt(__import__('os').mkdir('victim'))",
    "().__class__.__base__**2",
)


class Malicious:
    def __reduce__(self):
        return os.mkdir, ("victim",)


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def weights(tmp_path):
    torch.save({"w": Malicious()}, tmp_path / "evil.pth")
    return "init: checkpoint:evil.pth"


def refused(*command):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # it leaves its connections to its end
        done = CliRunner().invoke(cli, command)
        output = done.output + str(done.exception)
        code = done.exit_code
        del done
        gc.collect()
    assert code != 0, output
    assert not os.path.exists("victim")
    return output


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("verb", ["validate", "plan"])
def test_a_sweep_file_calls_nothing(verb, call, tmp_path):
    (tmp_path / "sweep.yaml").write_text(SWEEP.replace("0.1,", f"{call},"))
    assert "space.lr" in refused(verb, "sweep.yaml")


@pytest.mark.parametrize("call", CALLS)
def test_an_exported_configuration_calls_nothing(call, tmp_path):
    (tmp_path / "best.yaml").write_text(f"{TRAINED}seed: {call}\n")
    assert "seed" in refused("train", "best.yaml")


def test_initial_weights_of_a_sweep_run_no_code(weights, tmp_path):
    (tmp_path / "sweep.yaml").write_text(SWEEP.replace("epochs", f"{weights}, epochs"))
    assert "has objects other than tensors, which are not loaded" in refused(
        "launch", "sweep.yaml", "--inline"
    )


def test_initial_weights_of_a_configuration_run_no_code(weights, tmp_path):
    (tmp_path / "best.yaml").write_text(TRAINED.replace("epochs", f"{weights}, epochs"))
    assert "has objects other than tensors, which are not loaded" in refused("train", "best.yaml")


def test_a_cache_that_holds_a_pickle_counts_as_not_there(tmp_path):
    np.savez(tmp_path / "index.npz", image_sizes=np.array([Malicious()], dtype=object))
    assert Entry.open_if_complete(tmp_path) is None
    assert not os.path.exists("victim")
    np.load(tmp_path / "index.npz", allow_pickle=True)["image_sizes"]  # a careless reader
    assert os.path.exists("victim")


@pytest.mark.parametrize("verb", ["validate", "plan"])
def test_looking_at_a_sweep_file_runs_no_hook(verb, tmp_path):
    hooks = "hooks: {rung_closed: touch victim, sweep_failed: touch victim}\n"
    (tmp_path / "sweep.yaml").write_text(SWEEP + hooks)
    assert CliRunner().invoke(cli, [verb, "sweep.yaml"]).exit_code == 0
    assert not os.path.exists("victim")
