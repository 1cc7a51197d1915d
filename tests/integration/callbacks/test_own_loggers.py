"""A logger of the user's own: the documented example in a whole sweep, and what may go wrong."""

import json
import logging
import shutil

import pytest

from searchctl.orchestrator.callbacks.all import loggers_of
from searchctl.orchestrator.config.load import load_sweep
from searchctl.orchestrator.config.parsing.problems import SweepError
from tests.own_parts.own_modules import EXAMPLE
from tests.processes.in_process import searchctl

SWEEP = """
name: logged
data: {dataset: scenes, train: 32, val: 4, image_size: [16, 16]}
space: {lr: [0.1, 0.01]}
halving: {min_fraction: 1/2, finalists: 1}
training: {model: simple_fcn, width: 4, epochs: 1}
loggers:
  own:
"""
ENTRY = "    my_loggers:JsonLines: {file: epochs.jsonl}\n"
BROKEN = """
class Full:
    def epoch(self, run, params, step, values):
        raise OSError("no space left")
"""


@pytest.fixture
def folder(tmp_path):
    """A directory with the example's logger and a sweep."""
    shutil.copy(EXAMPLE / "my_loggers.py", tmp_path)
    (tmp_path / "sweep.yaml").write_text(SWEEP + ENTRY)
    return tmp_path


def test_the_example_writes_every_epoch_and_its_code_travels_with_the_sweep(folder):
    done = searchctl("launch", "sweep.yaml", "--inline", cwd=folder)
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in (folder / "epochs.jsonl").read_text().splitlines()]
    epochs = [(line["run"], line["step"]) for line in lines if "loss/train" in line]
    scores = [(line["run"], line["step"]) for line in lines if "score" in line]
    assert epochs == scores
    assert epochs[:2] == [("trial-0000", 1), ("trial-0001", 1)]
    assert [step for _, step in epochs[2:]] == [2]
    assert [*folder.glob("runs/logged/code/*/my_loggers.py")]


def test_a_logger_that_fails_is_disabled_and_the_sweep_ends_well(folder, caplog):
    (folder / "my_loggers.py").write_text(BROKEN)
    (folder / "sweep.yaml").write_text(SWEEP + "    my_loggers:Full: {}\n")
    done = searchctl("launch", "sweep.yaml", "--inline", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "my_loggers:Full failed and is disabled; the sweep continues: " in caplog.text


def test_a_logger_that_cannot_be_imported_any_more_does_not_stop_a_sweep(folder, caplog):
    sweep = load_sweep(folder / "sweep.yaml")
    with caplog.at_level(logging.WARNING, logger="searchctl"), loggers_of(sweep, ()) as loggers:
        assert len(loggers) == 1
    assert "my_loggers:JsonLines failed and is disabled; the sweep continues" in caplog.text


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        ("my_loggers:JsonLine: {file: x}", "has no 'JsonLine': did you mean 'JsonLines'?"),
        ("my_loggers:JsonLines: {}", "needs file, which has no default"),
        ("my_loggers:JsonLines: {flie: x}", "has no parameter 'flie': did you mean 'file'?"),
        ("my_loggers:JsonLines: {file: 3}", "input should be a valid string"),
        ("jsonlines: {}", "is no import path: write module:Class"),
    ],
)
def test_its_name_and_arguments_are_checked_from_the_source(folder, entry, problem):
    (folder / "sweep.yaml").write_text(f"{SWEEP}    {entry}\n")
    with pytest.raises(SweepError, match=r"sweep.yaml:9 loggers\.own") as refused:
        load_sweep(folder / "sweep.yaml")
    assert problem in str(refused.value)
