"""Parts of the runner of users' scripts that start no process."""

import json
import subprocess
import sys

import pytest

import searchctl
from searchctl.trainer.core.errors import DataError, SettingsError
from searchctl.trainer.data.sets.folders.lists import LineLists, nested_line_order
from searchctl.trainer.script.command import filled, placeholders, split
from searchctl.trainer.script.counts import read_counts
from searchctl.trainer.script.lists import read_lists
from searchctl.trainer.script.reports import Report, ReportFile, best, parsed
from searchctl.trainer.script.settings import ScriptSettings
from searchctl.trainer.script.weights import kept_weights
from tests.own_parts.scripts import script_job


def test_a_value_with_blanks_and_quotes_stays_one_argument():
    arguments = split("python train.py --name {name} '--both={name} and {lr}'")
    values = {"name": 'it\'s "two words"; rm -rf $HOME', "lr": 1e-5}
    assert filled(arguments, values)[3:] == [values["name"], f"--both={values['name']} and 1e-05"]


def test_braces_of_a_dictionary_are_written_twice():
    arguments = split("train '{{\"lr\": {lr}}}'")
    assert placeholders(arguments) == ("lr",)
    assert filled(arguments, {"lr": 0.1}) == ["train", '{"lr": 0.1}']


@pytest.mark.parametrize("command", ["", "a 'b", "a {", "a {}", "a {x.y}", "a {x:.2f}", "a {x!r}"])
def test_a_command_that_cannot_be_filled_is_refused(command):
    with pytest.raises(ValueError, match=r"is empty|be split|brace"):
        split(command)


def test_given_values_cannot_be_fixed():
    with pytest.raises(ValueError, match="holds seed, which searchctl gives"):
        ScriptSettings(command="train {seed}", values={"seed": 1})


def test_params_replace_fixed_values_and_epochs():
    settings = ScriptSettings(command="train", values={"lr": 1, "wd": 0}, epochs=5)
    trial = settings.with_params({"lr": 2, "epochs": 7})
    assert (trial.values, trial.epochs) == ({"lr": 2, "wd": 0}, 7)


def test_the_lines_of_rungs_are_nested(tmp_path):
    lines = [read_lists(script_job(tmp_path, job={"sample": s}).sample).train for s in _samples()]
    assert len(lines[0]) == 3
    assert lines[0] == lines[1][:3]
    assert sorted(lines[2]) == sorted(f"image {n}.png" for n in range(12))


def _samples():
    from dataclasses import replace
    from pathlib import Path
    from tempfile import mkdtemp

    sample = script_job(Path(mkdtemp())).sample
    return [replace(sample, images=n) for n in (3, 6, 12)]


def test_another_seed_orders_lines_otherwise():
    assert nested_line_order(20, 0) != nested_line_order(20, 1)


def test_lists_with_a_line_twice_or_in_both_are_refused(tmp_path):
    data = script_job(tmp_path).sample.data
    data.val_list.write_text("image 1.png\nother.png\n")
    with pytest.raises(DataError, match="1 lines are in"):
        LineLists(data).check()
    data.val_list.write_text("a\na\n")
    with pytest.raises(DataError, match="holds lines twice: a"):
        LineLists(data).check()


def test_reports_are_read_as_they_grow(tmp_path):
    path = tmp_path / "report.jsonl"
    file = ReportFile(path)
    assert file.new() == []
    path.write_text('{"epoch": 1, "val_miou": 0.5}\n{"epoch": 2, "val_')
    assert file.new() == [Report(1, {"val_miou": 0.5})]
    assert file.new() == []
    path.write_text(path.read_text() + 'miou": 0.6}')
    assert file.new(ended=True) == [Report(2, {"val_miou": 0.6})]


@pytest.mark.parametrize("line", [b"{", b"[]", b'{"epoch": 0}', b'{"epoch": "1"}', b'{"loss": 1}'])
def test_a_line_that_is_no_report_is_refused(line):
    with pytest.raises(ValueError, match=r"is no JSON|needs `epoch`"):
        parsed(line)


def test_the_kept_epoch_has_the_best_score_the_earliest_of_equals():
    reports = [Report(n, {"val_loss": v}) for n, v in ((1, 0.5), (2, 0.2), (3, 0.2))]
    assert best(reports, "val_loss", higher_is_better=False).epoch == 2
    assert best(reports, "val_loss", higher_is_better=True).epoch == 1


def test_a_score_that_was_never_reported_is_named_with_what_to_do():
    with pytest.raises(SettingsError, match=r"only loss\. Report each epoch: searchctl\.report_"):
        best([Report(1, {"loss": 1.0})], "val_miou", higher_is_better=True)


def test_report_epoch_prints_outside_of_a_sweep(monkeypatch, capsys):
    monkeypatch.delenv("SEARCHCTL_REPORT", raising=False)
    searchctl.report_epoch(epoch=1, val_miou=0.5)
    assert json.loads(capsys.readouterr().out) == {"epoch": 1, "val_miou": 0.5}


def test_report_epoch_takes_numbers_of_numpy(monkeypatch, tmp_path):
    import numpy as np

    monkeypatch.setenv("SEARCHCTL_REPORT", str(tmp_path / "r"))
    searchctl.report_epoch(epoch=np.int64(2), val_miou=np.float32(0.5), weights=tmp_path / "w")
    (report,) = ReportFile(tmp_path / "r").new()
    assert report == Report(2, {"val_miou": 0.5, "weights": str(tmp_path / "w")})
    with pytest.raises(TypeError, match="scores must be a number"):
        searchctl.report_epoch(epoch=1, scores=[1, 2])


def test_weights_below_the_directory_are_moved_up(tmp_path):
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "best.pt").write_text("w")
    found = kept_weights(tmp_path, Report(1, {"weights": "checkpoints/best.pt"}))
    assert (found, found.read_text()) == (tmp_path / "best.pt", "w")


@pytest.mark.parametrize("named", ["../w.pt", "missing.pt", "folder", None])
def test_weights_that_cannot_be_kept_are_refused(tmp_path, named):
    (tmp_path / "folder").mkdir()
    for name in ("model.pt", "model.json"):
        (tmp_path / name).write_text("")
    with pytest.raises(SettingsError, match=r"are not in|is missing|is a directory|name one as"):
        kept_weights(tmp_path, Report(1, {"weights": named}))


def test_counts_of_another_shape_are_refused(tmp_path):
    import numpy as np

    np.savez(tmp_path / "c.npz", counts=np.ones((3, 2, 3), np.int64))
    assert read_counts(tmp_path / "c.npz", 3, None).pixels.tolist() == [4, 4, 4]
    with pytest.raises(SettingsError, match=r"\[4, 2, 3\]"):
        read_counts(tmp_path / "c.npz", 4, 2)


def test_report_epoch_starts_without_libraries():
    code = (
        "import sys, searchctl\n"
        "searchctl.report_epoch(1, val_miou=0.5)\n"
        "print(sorted({'torch', 'numpy', 'pydantic', 'ray'} & {*sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
