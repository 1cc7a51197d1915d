"""Sweeps over users' scripts, inline: from the launch to the exported winner."""

import json

import pytest

from tests.own_parts.scripts import TRAIN
from tests.processes.in_process import searchctl

SWEEP = """
name: mine
data: {dataset: lists, train_list: train.txt, val_list: val.txt}
training:
  command: python train.py {lr} {epochs} {out} {train_list}
  epochs: 2
space: {lr: [0.4, 0.1, 0.2]}
halving: {finalists: 1}
"""
HELPED = TRAIN.replace("import json", "import helper, json")


@pytest.fixture(scope="module")
def swept(tmp_path_factory):
    """The directory of a finished sweep of three trials."""
    folder = tmp_path_factory.mktemp("mine")
    (folder / "train.py").write_text(HELPED)
    (folder / "helper.py").write_text("")
    (folder / "train.txt").write_text("".join(f"{n}\n" for n in range(8)))
    (folder / "val.txt").write_text("".join(f"val {n}\n" for n in range(12)))
    (folder / "sweep.yaml").write_text(SWEEP)
    launched = searchctl("launch", "sweep.yaml", "--inline", cwd=folder)
    assert launched.returncode == 0, launched.stderr
    assert "Winner: trial 1, val_miou 0.8500: lr=0.1" in launched.stdout
    return folder


def test_only_the_weights_of_the_finalist_and_what_scripts_printed_are_kept(swept):
    kept = sorted(path.name for path in (swept / "runs" / "mine").glob("trial-*/*/*/*"))
    assert kept == ["model.txt", *["output.log"] * 4]


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        ("verify mine", "verified: 4 decisions of 'mine' derived again"),
        ("verify mine", "cannot vouch"),
        ("explain mine 1", "Not assessable: the script wrote no counts of the"),
        ("show mine 1", "initial weights: set by the script"),
        ("compare mine 0 1", "parameters trained          -        -"),
        ("pareto mine", "trial 1 has both the best"),
        ("plan --against mine", "No attempt was lost"),
        ("plan sweep.yaml", "cannot vouch"),
        ("data check sweep.yaml", "lists: 0 images, 0 errors"),
        ("resume mine --inline", "Winner: trial 1"),
        ("logs mine --trial 0 --printed", "output.log trained"),
    ],
)
def test_every_view_copes_with_what_a_script_does_not_report(swept, command, shown):
    done = searchctl(*command.split(), cwd=swept)
    assert done.returncode == 0, done.stderr
    assert shown in " ".join(done.stdout.split("\n")) or shown in done.stdout


def test_the_report_says_what_is_not_vouched_for(swept):
    assert searchctl("report", "mine", "-o", "report.html", cwd=swept).returncode == 0
    assert "cannot vouch" in (swept / "report.html").read_text()


def test_the_exported_winner_is_trained_by_its_script(swept):
    searchctl("export", "mine", "-o", "best/best.yaml", cwd=swept)
    done = searchctl("train", "best/best.yaml", "--epochs", "4", "-o", "final", cwd=swept)
    assert done.returncode == 0, done.stderr
    metrics = json.loads((swept / "final" / "metrics.json").read_text())
    assert metrics["score"] == pytest.approx(1 - 0.1 - 0.1 / 4)
    assert (swept / "final" / "model.txt").read_text() == "4"


def test_a_changed_script_is_not_resumed_silently(swept):
    (swept / "helper.py").write_text("changed = True\n")
    try:
        searchctl("stop", "mine", cwd=swept)
        found = searchctl("launch", "sweep.yaml", "--inline", cwd=swept)
        assert "there is a sweep 'mine' in this database with other settings (code.helper.py" in (
            found.stderr
        )
    finally:
        (swept / "helper.py").write_text("")
