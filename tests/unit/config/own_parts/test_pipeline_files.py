"""Pipelines in files, in sweep files, and on the sheet of `data check --augmented`."""

import json

import pytest
from click.testing import CliRunner
from PIL import Image

from searchctl.orchestrator.cli.main import cli
from searchctl.orchestrator.config.augments import distinct_augments
from searchctl.orchestrator.config.load import load_sweep
from searchctl.orchestrator.config.parsing.problems import SweepError

TEXT = """\
name: look
data: {{dataset: scenes, train: 8, val: 2, test: 2, image_size: [24, 32]}}
training:
  augment: {augment}
space: {space}
"""
SAVED = {
    "__version__": "2.0.8",
    "transform": {
        "__class_fullname__": "Compose",
        "p": 1.0,
        "transforms": [{"__class_fullname__": "Rotate", "p": 0.5, "limit": [-9, 9]}],
    },
}


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Write a sweep file with an augmentation and a space, in an empty working directory."""
    monkeypatch.chdir(tmp_path)

    def write(augment, space="{lr: [0.1, 0.01]}"):
        file = tmp_path / "sweep.yaml"
        file.write_text(TEXT.format(augment=augment, space=space))
        return file

    return write


def test_the_sweep_holds_the_content_of_a_saved_pipeline(write, tmp_path):
    (tmp_path / "saved.json").write_text(json.dumps(SAVED))
    sweep = load_sweep(write("saved.json", "{augment.Rotate.p: [0, 1]}"))
    whole = {"p": 1.0, "transforms": [{"Rotate": {"p": 0.5, "limit": [-9, 9]}}]}
    assert sweep.recipe.augment == {"Compose": whole}
    assert len(distinct_augments(sweep)) == 2


def test_pipelines_and_presets_are_values_of_an_axis(write, tmp_path):
    (tmp_path / "mine.yaml").write_text("Compose:\n  - Blur\n")
    sweep = load_sweep(write("none", "{augment: [none, mine.yaml, {Compose: [Rotate]}]}"))
    assert list(distinct_augments(sweep)) == ["none", "Blur", "Rotate"]


def test_problems_of_a_file_name_its_line(write, tmp_path):
    (tmp_path / "mine.yaml").write_text("Compose:\n  - Blur\n  - Rotat\n")
    with pytest.raises(SweepError, match=r"sweep\.yaml:4 .*mine\.yaml:3 .*did you mean 'Rotate'"):
        load_sweep(write("mine.yaml"))


@pytest.mark.parametrize(
    ("augment", "space", "words"),
    [
        ("{Compose: [{Resize: {height: 9, width: 9}}]}", None, "9x9, and networks are trained at"),
        ("{Compose: [Blur, Blur]}", "{augment.Blur.p: [0, 1]}", "2 transforms Blur"),
        ("{Compose: [Blur]}", "{augment.Blur.q: [0, 1]}", "unknown argument of Blur 'q'"),
        ("flips", "{augment.Blur.p: [0, 1]}", "augment is 'flips' here"),
    ],
)
def test_what_does_not_go_with_the_sweep_is_refused(write, augment, space, words):
    with pytest.raises(SweepError, match=words):
        load_sweep(write(augment, space) if space else write(augment))


def test_a_sheet_shows_each_augmentation(write, tmp_path):
    write("{Compose: [{Rotate: {p: 1}}]}", "{augment.Rotate.limit: [10, 45]}")
    done = CliRunner().invoke(cli, ["data", "check", "sweep.yaml", "--augmented"])
    assert done.exit_code == 0
    assert "wrote look-augmented.png" in done.stderr
    with Image.open(tmp_path / "look-augmented.png") as sheet:
        assert sheet.height > 2 * 3 * 2 * 150


def test_the_sheet_of_augmentations_is_named_as_the_sheet_of_the_data(write, tmp_path):
    write("flips")
    named = ["data", "check", "sweep.yaml", "--augmented", "-o", str(tmp_path / "aug.png")]
    done = CliRunner().invoke(cli, named)
    assert done.exit_code == 0
    assert (tmp_path / "aug.png").is_file()
    assert (tmp_path / "aug-augmented.png").is_file()
