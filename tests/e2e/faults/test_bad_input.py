"""Mistakes of users: each has its exit code, a message with the fix, and leaves no files."""

import sqlite3
from contextlib import closing

import numpy as np
import pytest
from PIL import Image

from tests.processes import in_process

SWEEP = """\
name: small
data: {dataset: scenes, image_size: [32, 48], native_size: [64, 96], train: 16, val: 4, test: 4}
training: {width: 4, epochs: 1, batch_size: 4}
space: {lr: [0.1, 0.01]}
"""
FOLDER = """\
name: small
data: {dataset: folder, root: data, image_size: [16, 16], classes: [grass, road]}
training: {width: 4, epochs: 1, batch_size: 2}
space: {lr: [0.1, 0.01]}
"""


def changed(old, new, text=SWEEP):
    assert old in text
    return text.replace(old, new)


@pytest.fixture(scope="module")
def searchctl():
    """Run the command in this process: none of these sweeps starts Ray."""
    return in_process.searchctl


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "sweep.yaml").write_text(SWEEP)
    (tmp_path / "a_file").write_text("just text\n")
    return tmp_path


@pytest.fixture
def refused(folder, searchctl):
    """Run a command that must fail without a traceback; return what it says."""

    def run(*command, code=1):
        done = searchctl(*command, cwd=folder)
        assert done.returncode == code, done.stdout + done.stderr
        assert "Traceback" not in done.stdout + done.stderr
        return done.stderr

    return run


@pytest.fixture(scope="module")
def launched(tmp_path_factory, searchctl):
    """A directory whose database holds the finished sweep 'small'."""
    folder = tmp_path_factory.mktemp("launched")
    (folder / "sweep.yaml").write_text(SWEEP)
    done = searchctl("launch", "sweep.yaml", "--inline", cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder


def test_the_process_ends_with_the_code_and_the_message_alone(folder, searchctl_process):
    (folder / "sweep.yaml").write_text(changed("[0.1, 0.01]", "[]"))
    done = searchctl_process("launch", "sweep.yaml", cwd=folder)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines()[0].startswith("error: ")


def stored_sweeps(folder):
    if not (folder / "searchctl.db").exists():
        return []
    with closing(sqlite3.connect(folder / "searchctl.db")) as db:
        return db.execute("SELECT name, state FROM searchctl_sweeps").fetchall()


BAD_FILES = {
    "an empty space": (
        changed("{lr: [0.1, 0.01]}", "{}"),
        "space: nothing is searched",
        "add an axis",
    ),
    "no values": (changed("[0.1, 0.01]", "[]"), "space.lr: has no values", "list at least one"),
    "eta 1": (SWEEP + "halving: {eta: 1}\n", "halving.eta", "use 2 or more"),
    "an unknown model": (
        changed("width: 4", "model: unett"),
        "training.model: unknown model 'unett'",
        "did you mean 'unet'?",
    ),
    "a network that cannot be built in one trial": (
        changed("{lr: [0.1, 0.01]}", "{finetune: [all, last_9]}"),
        "cannot train model simple_fcn, width 4: finetune last_9: this encoder has 3 stages",
        "use last_3 at most, or all",
    ),
    "runs below a file": (
        SWEEP + "storage: {runs: a_file/runs}\n",
        "a_file/runs/small",
        "set storage.runs to a directory that can be written",
    ),
    "a data root that is not there": (
        changed("root: data", "root: nowhere", FOLDER),
        "nowhere",
        "is `root` right?",
    ),
    "a variable that is not set": (
        SWEEP + "storage: {url: '${NO_SUCH_VARIABLE}'}\n",
        "NO_SUCH_VARIABLE",
        "export it",
    ),
}


@pytest.mark.parametrize(("text", "thing", "fix"), BAD_FILES.values(), ids=BAD_FILES)
def test_a_bad_file_is_not_launched(text, thing, fix, folder, refused):
    (folder / "sweep.yaml").write_text(text)
    message = refused("launch", "sweep.yaml", "--inline")
    assert thing in message
    assert fix in message
    assert stored_sweeps(folder) == []


ODD_FILES = {
    "a grid of 1": (changed("[0.1, 0.01]", "[0.1]"), "finalists 2 >= trials 1"),
    "more finalists than trials": (
        SWEEP + "halving: {finalists: 9}\n",
        "finalists 9 >= trials 2: one rung on all of the data",
    ),
}


@pytest.mark.parametrize(("text", "warning"), ODD_FILES.values(), ids=ODD_FILES)
def test_an_odd_sweep_runs_with_a_warning(text, warning, folder, searchctl):
    (folder / "sweep.yaml").write_text(text)
    done = searchctl("launch", "sweep.yaml", "--inline", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert f"warning: {warning}" in done.stdout
    assert "Winner: trial" in done.stdout
    assert stored_sweeps(folder) == [("small", "COMPLETE")]


def test_a_fraction_below_one_batch_is_merged_with_a_warning_in_the_plan(folder, searchctl):
    grid = changed("[0.1, 0.01]", "[0.1, 0.01, 0.001, 0.0001], dropout: [0, 0.1, 0.2, 0.3]")
    (folder / "sweep.yaml").write_text(grid)
    done = searchctl("plan", "sweep.yaml", cwd=folder)
    assert done.returncode == 0
    assert "rungs of 16 and 8 trials both have 4 images: merged into one rung of 16" in done.stdout


BAD_DATABASES = {
    "in a directory that is not there": (
        "sqlite:///none/x.db",
        "cannot create none/x.db: the directory none does not exist",
    ),
    "in a directory that cannot be written to": (
        "sqlite:////proc/x.db",
        "unable to open database file; the directory /proc cannot be written to (",
    ),
    "no URL": ("foo", "cannot be read: write it like sqlite:///searchctl.db"),
    "a port that is no number": ("postgresql+psycopg://u:secret@host:x/y", "cannot be read"),
    "no such kind": ("nosuch://u:secret@host/x", "cannot be read: write it like"),
    "a file that is none": ("sqlite:///a_file", "cannot use the database sqlite:///a_file"),
    "no server": (
        "postgresql+psycopg://u:secret@127.0.0.1:1/x",
        "cannot use the database postgresql+psycopg://u:***@127.0.0.1:1/x",
    ),
}


@pytest.mark.parametrize(("url", "message"), BAD_DATABASES.values(), ids=BAD_DATABASES)
def test_a_bad_database_is_named_and_its_password_never(url, message, folder, refused):
    output = refused("launch", "sweep.yaml", "--inline", "--db", url)
    assert message in output
    assert "secret" not in output
    assert sorted(path.name for path in folder.iterdir()) == ["a_file", "runs", "sweep.yaml"]


@pytest.mark.parametrize("verb", [["status", "small"], ["list"], ["db", "upgrade"]], ids=" ".join)
def test_every_verb_refuses_a_server_that_does_not_answer(verb, refused):
    message = refused(*verb, "--db", "postgresql+psycopg://u:secret@127.0.0.1:1/x")
    assert "Connection refused" in message
    assert "secret" not in message


BAD_COMMANDS = {
    "a missing sweep file": (["validate", "none.yaml"], "none.yaml cannot be read: No such file"),
    "a directory": (["launch", "."], ". cannot be read: Is a directory"),
    "no sweep file": (["plan", "a_file"], "a_file:1 must be a mapping"),
    "a text that is no export": (["train", "a_file"], "a_file:1 must be a mapping"),
    "a file that is no export": (
        ["train", "sweep.yaml", "--data-root", "x"],
        "sweep.yaml:1 name: unknown key 'name'",
    ),
    "no database": (["status", "small"], "no database at searchctl.db: launch a sweep first"),
}


@pytest.mark.parametrize(("command", "message"), BAD_COMMANDS.values(), ids=BAD_COMMANDS)
def test_a_bad_argument_is_named(command, message, folder, refused):
    assert message in refused(*command)
    assert sorted(path.name for path in folder.iterdir()) == ["a_file", "sweep.yaml"]


UNKNOWN = {
    **{
        verb: ([verb, "none", *rest], "no sweep 'none' in this database; it holds: small")
        for verb, rest in {"status": [], "show": ["0"], "export": [], "resume": []}.items()
    },
    "trial": (["show", "small", "2"], "sweep 'small' has trials 0 to 1, not 2"),
    "a second sweep": (["launch", "sweep.yaml"], "it has ended (`searchctl status small`)"),
    "a place to export to": (
        ["export", "small", "-o", "none/best.yaml"],
        "cannot write none/best.yaml: No such file or directory; name another file with -o",
    ),
}


@pytest.mark.parametrize(("command", "message"), UNKNOWN.values(), ids=UNKNOWN)
def test_a_name_that_does_not_fit_the_database_is_answered(command, message, launched, searchctl):
    done = searchctl(*command, cwd=launched)
    assert done.returncode == 1
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert stored_sweeps(launched) == [("small", "COMPLETE")]


def test_a_training_into_a_file_is_refused_before_it_begins(launched, searchctl):
    assert searchctl("export", "small", "-o", "best.yaml", cwd=launched).returncode == 0
    done = searchctl("train", "best.yaml", "-o", "best.yaml/out", cwd=launched)
    assert (done.returncode, done.stdout) == (1, "")
    assert "cannot write to best.yaml/out" in done.stderr


def test_a_database_of_a_newer_searchctl_is_refused(launched, searchctl, tmp_path):
    for file in launched.glob("searchctl.db*"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "sweep.yaml").write_text(changed("small", "other"))
    with closing(sqlite3.connect(tmp_path / "searchctl.db")) as db, db:
        db.execute("UPDATE searchctl_schema_version SET version_num = '9999'")
    for command in (["launch", "sweep.yaml"], ["status", "small"], ["db", "upgrade"]):
        done = searchctl(*command, cwd=tmp_path)
        assert done.returncode == 1
        assert "has schema 9999, written by a newer searchctl: install" in done.stderr
    assert stored_sweeps(tmp_path) == [("small", "COMPLETE")]


def draw_pairs(root, count=6, last_id=1):
    for kind in ("images", "masks"):
        (root / kind).mkdir(parents=True)
    mask = np.zeros((16, 16), dtype=np.uint8)
    mask[8:] = last_id
    for number in range(count):
        Image.new("RGB", (16, 16), (number, 50, 90)).save(root / "images" / f"{number}.png")
        Image.fromarray(mask).save(root / "masks" / f"{number}.png")


def test_a_class_id_out_of_range_is_found_before_anything_is_stored(folder, refused):
    draw_pairs(folder / "data", last_id=7)
    (folder / "sweep.yaml").write_text(FOLDER)
    message = refused("launch", "sweep.yaml", "--inline")
    assert "class id 7 in a mask; allowed are 0..1 and 255 (ignored)" in message
    assert "data/masks/" in message
    assert stored_sweeps(folder) == []


def test_a_data_set_without_training_images_is_refused(folder, refused):
    draw_pairs(folder / "data", count=1)
    (folder / "sweep.yaml").write_text(FOLDER)
    assert "the train split holds no images" in refused("launch", "sweep.yaml")


def test_a_sweep_in_which_every_trial_diverges_ends_with_code_3(folder, refused, searchctl):
    diverging = changed("[0.1, 0.01]", "[1.0e+30, 1.0e+35]").replace("epochs: 1", "epochs: 4")
    (folder / "sweep.yaml").write_text(diverging)
    message = refused("launch", "sweep.yaml", "--inline", code=3)
    assert "none of 2 trials has a finite score" in message
    assert "lower the learning rates" in message
    assert stored_sweeps(folder) == [("small", "FAIL")]
    status = searchctl("status", "small", cwd=folder)
    assert status.returncode == 0
    assert "small FAIL: rung 0: none of 2 trials has a finite score" in status.stdout
    assert "nothing is ranked" in refused("export", "small")
