"""Values of the command line in place of a sweep file's."""

import re

import pytest
from click.testing import CliRunner

from searchctl.orchestrator.cli.main import cli
from searchctl.orchestrator.config.load import load_sweep
from searchctl.orchestrator.config.parsing.problems import SweepError

TEXT = "name: s\ndata: {dataset: scenes}\ntraining: {epochs: 3}\nspace: {lr: [0.1, 0.2]}\n"


@pytest.fixture
def file(tmp_path):
    (tmp_path / "s.yaml").write_text(TEXT)
    return tmp_path / "s.yaml"


def test_values_replace_the_file_s_and_sections_are_made(file):
    changes = {"training.epochs": "5", "halving.finalists": "1", "space.lr": "[1e-3, sqrt(0.1)]"}
    sweep = load_sweep(file, changes=changes | {"space.batch_size": "[2, 4]", "name": "other"})
    assert (sweep.name, sweep.recipe.epochs, sweep.halving.finalists) == ("other", 5, 1)
    assert [trial["lr"] for trial in sweep.trials()][::2] == [1e-3, 0.1**0.5]
    assert len(sweep.trials()) == 4


@pytest.mark.parametrize(
    ("path", "value", "problem"),
    [
        ("training.epoch", "5", "training.epoch: unknown key 'epoch'"),
        ("training.epochs", "five", "training.epochs: "),
        ("training.epochs", "[5", "the value of training.epochs"),
        ("name.x", "5", "'name' has no keys in the file"),
        ("", "5", "unknown key"),
        ("epochs", "5", "unknown key 'epochs': did you mean 'training.epochs'?"),
        ("halving.trials", "5", "unknown key 'trials': did you mean 'search.trials'?"),
        ("images", "5", "did you mean 'data.images' or 'report.images'?"),
        ("halving.limits.latency", "5", "did you mean 'latency_ms'?"),
        ("halving.limits.x", "5", "unknown key 'x': known are latency_ms, memory_gb"),
    ],
)
def test_a_wrong_value_or_path_is_named(path, value, problem, file):
    with pytest.raises(SweepError, match=re.escape(problem)):
        load_sweep(file, changes={path: value})


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (["--set", "training.epochs=5"], "--set needs --name"),
        (["--name", "t", "--set", "training.epochs"], "write PATH=VALUE"),
        (["--name", "a/b"], "name"),
    ],
)
def test_launch_refuses_a_change_that_it_cannot_make(options, problem, file):
    refused = CliRunner().invoke(cli, ["launch", str(file), *options])
    assert refused.exit_code != 0
    assert problem in refused.output + str(refused.exception)
