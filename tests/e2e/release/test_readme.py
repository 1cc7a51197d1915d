"""The README's examples run on a CPU as they stand there."""

import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.processes.in_process import searchctl

README = (Path(__file__).parents[3] / "README.md").read_text()
OWN_DATA = README.partition("## Your own data")[2]


def block(kind, after):
    """Return the first block of a kind in a text."""
    return re.search(rf"```{kind}\n(.*?)```", after, re.DOTALL)[1]


@pytest.fixture
def user(tmp_path):
    """A directory with 24 pictures of roads and cars, and the README's sweep.yaml."""
    rng = np.random.default_rng(0)
    for kind in ("my-images/images", "my-images/masks", "photos"):
        (tmp_path / kind).mkdir(parents=True)
    for number in range(24):
        mask = np.zeros((96, 128), np.uint8)
        mask[rng.integers(40, 60) :] = 1
        column = rng.integers(0, 100)
        mask[60:80, column : column + 24] = 2
        colours = np.array([[90, 120, 200], [90, 90, 90], [200, 40, 40]])[mask]
        image = np.clip(rng.normal(colours, 10), 0, 255).astype(np.uint8)
        Image.fromarray(image).save(tmp_path / f"my-images/images/{number}.png")
        Image.fromarray(mask).save(tmp_path / f"my-images/masks/{number}.png")
    Image.fromarray(image).save(tmp_path / "photos/new.png")
    (tmp_path / "sweep.yaml").write_text(block("yaml", OWN_DATA))
    return tmp_path


def run(command, cwd):
    program, *arguments = shlex.split(command, comments=True)
    assert program == "searchctl"
    done = searchctl(*arguments, cwd=cwd)
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout


def test_the_quickstarts_output_has_at_most_15_lines_and_a_warning_above_it():
    before, _, output = README.partition("```\nquickstart: ")
    assert "Your numbers will differ" in before.splitlines()[-2]
    assert output.partition("```")[0].count("\n") <= 15


def test_own_pictures_are_checked_planned_and_searched(user):
    commands = block("", OWN_DATA.partition("```yaml")[2].partition("```")[2]).splitlines()
    for command in commands:
        if "launch" in command:
            small = "--set training.epochs=1 --set data.image_size='[32,32]'"
            command += f" --inline --name my-first-sweep {small}"
        run(command, user)
    assert (user / "report.html").is_file()


@pytest.mark.exhaustive
def test_own_pictures_are_searched_and_the_winner_predicts_new_ones_as_it_stands(user):
    own = block("", OWN_DATA.partition("```yaml")[2].partition("```")[2])
    use = block("", README.partition("## Use the model")[2])
    for command in [*own.splitlines(), *use.splitlines()]:
        run(command, user)
    with Image.open(user / "masks/new.png") as mask:
        assert mask.size == (128, 96)
    assert (user / "model.onnx").stat().st_size > 10_000
