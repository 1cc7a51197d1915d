"""`searchctl calibrate` on real trainings, whose jobs the sweep itself has in common with it."""

import json
import re
from textwrap import dedent

import pytest

from tests.processes.in_process import searchctl

SWEEP = """\
    name: mine
    data: {dataset: scenes, native_size: [48, 64], image_size: [24, 32], train: 8, val: 4, test: 2}
    training: {width: 4, batch_size: 2, epochs: 1, threads: 1}
    space: {lr: [0.1, 0.03, 0.01, 0.003]}
    halving: {fractions: [1/2, 1]}
    """


@pytest.fixture
def calibrate(tmp_path):
    (tmp_path / "sweep.yaml").write_text(dedent(SWEEP))

    def run(*options):
        return searchctl("calibrate", "sweep.yaml", "--inline", *options, cwd=tmp_path)

    return run


def test_what_a_calibration_has_trained_neither_it_nor_the_sweep_trains_again(calibrate, tmp_path):
    said = "Calibrates 4 of 4 trials on all 2 rungs with 2 seeds: 12 full trainings, 96 training"
    cost = calibrate("--dry-run")
    assert said in cost.stdout
    assert "Time: not known until the first job has ended; all jobs together take" in cost.stdout
    priced = json.loads(calibrate("--dry-run", "--json").stdout)
    assert (priced["trials"], priced["seeds"], priced["seconds"]) == ([0, 1, 2, 3], 2, None)
    assert (priced["full_trainings"], priced["images"]) == (12, 96)
    assert not (tmp_path / "searchctl.db").exists()
    assert "seed 1" not in cost.stdout

    done = calibrate()
    assert "Can the small samples be trusted? 4 configurations, 2 seeds" in done.stdout
    assert "Proposed: " in done.stdout
    assert re.search(r"seed 2 of 2: .*, about \S+ left for all seeds", done.stdout)
    assert "Time: nothing is left to train." in calibrate("--dry-run").stdout
    assert json.loads(calibrate("--dry-run", "--json").stdout)["seconds"] == 0
    more = calibrate("--seeds", "3", "--dry-run").stdout
    assert re.search(r"Time: about \S+, at the speed of 16 earlier jobs on \w", more)

    again = calibrate("--json")
    assert "rung 0" not in again.stderr  # nothing is trained again
    found = json.loads(again.stdout)
    assert (found["trials"], found["seeds"]) == ([0, 1, 2, 3], 2)
    assert [rung["fraction"] for rung in found["rungs"]] == ["1/2", "1"]
    assert found["others"][-1]["full_trainings"] == 4

    launched = searchctl("launch", "sweep.yaml", "--inline", cwd=tmp_path)
    assert "6 of 6 jobs copied from mine-calibrate-" in launched.stdout


def test_scores_that_do_not_vary_are_refused_after_the_first_seed(calibrate, tmp_path):
    flat = SWEEP.replace("[0.1, 0.03, 0.01, 0.003]", "[1e-12, 2e-12, 3e-12, 4e-12]")
    (tmp_path / "sweep.yaml").write_text(dedent(flat))
    refused = calibrate()
    assert refused.returncode == 1
    assert "have the same score on all of the data" in refused.stderr
    assert "seed 2 of 2" not in refused.stdout
