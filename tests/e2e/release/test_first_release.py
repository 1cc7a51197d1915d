"""Every verb that views a sweep reads databases of version 0.1.0."""

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.processes.in_process import searchctl

FIXTURE = Path(__file__).parents[2] / "fixtures" / "first_release"
VIEWS = (
    ["list"],
    ["status", "finished"],
    ["status", "unfinished"],
    ["trials", "finished"],
    ["trials", "unfinished"],
    ["show", "finished", "0"],
    ["show", "finished", "2"],
    ["show", "unfinished", "0"],
    ["compare", "finished", "0", "1"],
    ["explain", "finished"],
    ["explain", "finished", "1"],
    ["explain", "finished", "1", "--rung", "0"],
    ["pareto", "finished"],
    ["verify", "finished"],
    ["verify", "unfinished"],
    ["plan", "--against", "finished"],
)


@pytest.fixture(scope="module")
def first_release(tmp_path_factory):
    """The files of version 0.1.0, their database brought to the schema of today."""
    folder = tmp_path_factory.mktemp("first") / "release"
    shutil.copytree(FIXTURE, folder)
    done = searchctl("db", "upgrade", cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def view(first_release):
    """View what there is; return what was printed."""

    def run(*arguments):
        done = searchctl(*arguments, cwd=first_release)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


@pytest.mark.parametrize("verb", VIEWS, ids=" ".join)
def test_a_view_shows_it(verb, view):
    assert len(view(*verb).splitlines()) >= 3


@pytest.mark.parametrize("verb", VIEWS, ids=" ".join)
def test_a_script_reads_it_as_json(verb, view):
    assert json.loads(view(*verb, "--json"))


@pytest.mark.parametrize("name", ["finished", "unfinished"])
def test_logs_print_one_event_per_line(name, view):
    events = [json.loads(line) for line in view("logs", name, "--json").splitlines()]
    assert len(events) >= len(view("logs", name).splitlines()) > 3


@pytest.mark.parametrize("kind", ["html", "md", "json"])
@pytest.mark.parametrize("name", ["finished", "unfinished"])
def test_a_report_is_written(name, kind, view, tmp_path):
    view("report", name, "--format", kind, "-o", tmp_path / "report")
    assert name in (tmp_path / "report").read_text()


def test_watch_shows_a_finished_one_and_leaves(view):
    assert "finished COMPLETE" in view("watch", "finished")


def test_export_prints_a_configuration_that_is_still_valid(view, first_release, tmp_path):
    view("export", "finished", "-o", tmp_path / "best.yaml")
    refused = searchctl("train", "best.yaml", "-o", "best.yaml/out", cwd=tmp_path)
    assert "cannot write to best.yaml/out" in refused.stderr  # and nothing else is wrong with it


def test_an_unfinished_one_continues_or_is_refused_by_name(first_release):
    soon = (datetime.now(UTC) + timedelta(seconds=4)).isoformat()
    done = searchctl("resume", "unfinished", "--inline", "--deadline", soon, cwd=first_release)
    went_on = done.returncode == 4 and "nothing is lost" in done.stdout
    refused = done.returncode == 1 and "'unfinished'" in done.stderr
    assert went_on or refused, done.stdout + done.stderr
