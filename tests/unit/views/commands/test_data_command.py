"""`searchctl data check`: what it prints, writes and returns."""

import json

import pytest
from click.testing import CliRunner
from PIL import Image

from searchctl.orchestrator.cli.main import cli
from searchctl.orchestrator.core.errors import SearchctlError

TEXT = """\
name: look
data: {{dataset: {dataset}}}
space: {{lr: [0.1, 0.01]}}
"""
SCENES = "scenes, train: 12, val: 4, test: 3"


@pytest.fixture
def check(tmp_path, monkeypatch):
    """Run the command on a data set, in an empty directory, on a terminal of 80 columns."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")

    def run(*options, dataset=SCENES):
        (tmp_path / "sweep.yaml").write_text(TEXT.format(dataset=dataset))
        return CliRunner().invoke(cli, ["data", "check", "sweep.yaml", *options])

    return run


def test_a_valid_data_set_is_shown_in_tables_of_80_columns(check, tmp_path):
    done = check()
    assert done.exit_code == 0
    lines = done.stdout.splitlines()
    assert lines[1].split() == ["train", "12", "12", "12", "96x128"]
    assert lines[-1] == "scenes: 19 images, 0 errors, 0 warnings"
    assert any(line.startswith("Bicyclist ") for line in lines)
    assert any("10 %" in line and "█ 12" in line for line in lines)
    assert max(map(len, lines)) <= 80
    assert [path.name for path in tmp_path.iterdir()] == ["sweep.yaml"]


def test_problems_are_the_exit_code_and_warnings_are_not(check, tmp_path):
    done = check(dataset="camvid, root: nowhere")
    assert done.exit_code == 1
    first, last = done.stdout.splitlines()
    assert first.startswith(f"error: {tmp_path}/nowhere/train.txt: cannot be read")
    assert last == "camvid: 0 images, 1 error, 0 warnings"
    warned = check(dataset="scenes, train: 1, val: 1, test: 1")
    assert "warning: no image of" in warned.stdout
    assert warned.exit_code == 0


def test_json_has_the_same_for_scripts(check):
    found = json.loads(check("--json").stdout)
    assert found["dataset"] == "scenes"
    assert (found["problems"], len(found["classes"])) == ([], 11)
    val = found["splits"]["val"]
    assert (val["images"], val["read"], val["groups"], val["sizes"]) == (4, 4, 4, {"96x128": 4})
    assert sum(each["share"] for each in val["classes"].values()) == pytest.approx(1)
    assert sum(val["unlabeled"]["histogram"]) == 4


@pytest.mark.parametrize("images", [1, 7])
def test_a_sheet_is_written_to_the_given_path(check, tmp_path, images):
    done = check("-o", "sheet.png", "--images", str(images))
    assert done.stderr == "wrote sheet.png\n"
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.width > 1000
        assert sheet.height > 1000 * (images > 1)


@pytest.mark.parametrize("output", ["sheet.nothing", "none/sheet.png"])
def test_a_sheet_that_cannot_be_written_is_named(check, output):
    failed = check("-o", output).exception
    assert isinstance(failed, SearchctlError)
    assert f"cannot write {output}" in str(failed)
