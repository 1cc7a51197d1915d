"""The example notebook, run by a real kernel; and the objects that it shows."""

import shutil
from pathlib import Path

import nbclient
import nbformat
import pytest

import searchctl
from searchctl.orchestrator.public.report import ReportPage

EXAMPLES = Path(__file__).parents[3] / "examples"
SMALLER = [("epochs: 8", "epochs: 2"), ("lr_step: 4", "lr_step: 1"), ("train: 64", "train: 32")]
"""Settings of the quickstart that make it take seconds."""


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    """Run the notebook where a smaller quickstart.yaml is; return the cells."""
    folder = tmp_path_factory.mktemp("notebook")
    text = (EXAMPLES / "quickstart.yaml").read_text()
    for before, after in SMALLER:
        assert before in text
        text = text.replace(before, after)
    (folder / "quickstart.yaml").write_text(text)
    shutil.copy(EXAMPLES / "notebook.ipynb", folder)
    notebook = nbformat.read(folder / "notebook.ipynb", as_version=4)
    nbclient.NotebookClient(
        notebook, timeout=500, resources={"metadata": {"path": folder}}
    ).execute()
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def text_of(cell):
    return "".join(
        output.get("text", "") or output.get("data", {}).get("text/plain", "")
        for output in cell.outputs
    )


def test_a_launch_in_a_notebook_shows_its_progress_and_returns_the_sweep(shown):
    assert "rung 0 12/12" in text_of(shown[0])
    assert "'COMPLETE'" in text_of(shown[0])


def test_the_trials_and_epochs_are_tables(shown):
    tables = [cell.outputs[0]["data"] for cell in (shown[2], shown[4])]
    assert all("<table" in each["text/html"] for each in tables)


def test_the_report_is_shown_inline_as_a_page_of_its_own(shown):
    page = shown[5].outputs[0]["data"]["text/html"]
    assert page.startswith('<iframe srcdoc="&lt;!doctype html&gt;')
    assert "StoredSweep(name='quickstart')" in text_of(shown[6])


def test_a_report_is_saved_as_a_file(tmp_path):
    ReportPage("<p>äöü</p>").save(tmp_path / "report.html")
    assert (tmp_path / "report.html").read_text(encoding="utf-8") == "<p>äöü</p>"


def test_a_stopped_sweep_is_resumed_to_its_end(sweeps, monkeypatch):
    prepared = sweeps.prepare()
    sweep = searchctl.open_sweep("quick", db=prepared.url)
    sweep.stop()
    assert sweep.state in ("STOPPED", "INTERRUPTED")
    sweep.resume(inline=True)
    assert sweep.state == "COMPLETE"
    assert sweep.best()[0].training
    assert "quick</b>: COMPLETE" in sweep._repr_html_()
