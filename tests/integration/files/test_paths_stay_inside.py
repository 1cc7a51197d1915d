"""Only files in the sweep's directory are shown, written and removed, despite paths in a table."""

import json

import pytest
from PIL import Image
from upath import UPath

from searchctl.orchestrator.artifacts.garbage import collect
from searchctl.orchestrator.artifacts.initial_files import InitialFiles
from searchctl.orchestrator.config.parsing.problems import SweepError
from searchctl.orchestrator.core.errors import SearchctlError
from searchctl.orchestrator.report.gathering import gather
from searchctl.orchestrator.report.rendering import html
from searchctl.orchestrator.run.resume import prepare_resume
from searchctl.orchestrator.storage.reads import queries
from searchctl.orchestrator.web.pictures import PictureStore

SECRET = "root:x:0:0"
OUTSIDE = ("../elsewhere", "/etc/cron.d/x", "initial/../../x", "initial/x/y", "initial", "")


@pytest.fixture
def secret_file(tmp_path):
    file = tmp_path / "passwd"
    file.write_text(SECRET)
    return file


@pytest.fixture
def launched(sweeps):
    prepared, _ = sweeps.launch()
    return prepared


def attempt_of(prepared, trial=5):
    """Return the directory and the artifact's name of the masks of a trial's first job."""
    attempts = queries.attempts(prepared.engine, prepared.row, trial)
    folder = prepared.runs / f"trial-{trial:04d}" / "rung-0" / attempts[0].token
    folder.mkdir(parents=True, exist_ok=True)
    return folder, f"00-{attempts[0].token}-0"


@pytest.mark.parametrize("name", ["../x", "a/b", ".hidden", "/etc", "a\\b", "x\n", "", "a" * 101])
def test_a_sweep_s_name_is_one_directory_s(name, sweeps):
    with pytest.raises(ValueError, match="cannot name a directory"):
        sweeps.sweep(name=name)


@pytest.mark.parametrize("file", OUTSIDE)
def test_no_copy_of_weights_is_written_elsewhere(file, launched, sqlite_run):
    copy = {"file": file, "sha256": "0" * 64, "source": "x", "path": "x"}
    sqlite_run(f"UPDATE searchctl_sweeps SET initial_files = '{json.dumps({'x': copy})}'")
    row = queries.find_sweep(launched.engine, "quick")
    with pytest.raises(SearchctlError, match="is not a valid path of a copy"):
        InitialFiles.stored(launched.runs, row)


def test_a_stored_sweep_whose_name_was_changed_to_a_path_is_not_resumed(sweeps, sqlite_run):
    sweeps.launch()
    sqlite_run("UPDATE searchctl_sweeps SET spec = json_set(spec, '$.name', '../../x')")
    with pytest.raises(SweepError, match="cannot name a directory"):
        prepare_resume("quick", sweeps.url)


def test_the_dashboard_shows_no_file_that_a_picture_links_to(launched, secret_file):
    folder, name = attempt_of(launched)
    (folder / "masks.png").symlink_to(secret_file)
    with pytest.raises(FileNotFoundError, match="is not a picture"):
        PictureStore(launched.engine).open_reader(name)


def test_a_report_follows_no_path_that_the_database_names(launched, secret_file, sqlite_run):
    picture = secret_file.with_name("features.png")
    Image.new("RGB", (3, 3)).save(picture)
    sqlite_run(f"UPDATE searchctl_jobs SET features = '{picture}'")
    report = gather(launched.engine, queries.find_sweep(launched.engine, "quick"))
    assert all(str(launched.runs) in each.path for each in report.features)
    assert "data:image/png" not in html(report)


def test_a_link_is_removed_and_its_target_remains(launched, secret_file):
    folder, _ = attempt_of(launched)
    (folder / "checkpoint.pt").symlink_to(secret_file)
    (folder / "more").symlink_to(secret_file.parent, target_is_directory=True)
    collect(launched.engine, launched.row, UPath(launched.runs))
    assert not (folder / "checkpoint.pt").exists()
    assert secret_file.read_text() == SECRET
    assert (launched.runs.parent.parent / "sweeps.db").exists()
