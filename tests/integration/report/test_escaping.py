"""Names and errors of a sweep are shown as they are in pages, and never become tags."""

from searchctl.orchestrator.report.gathering import gather
from searchctl.orchestrator.report.rendering import html
from searchctl.orchestrator.storage.database import open_database
from searchctl.orchestrator.storage.reads import queries
from searchctl.orchestrator.web.report import ReportApp
from searchctl.trainer.core.results import JobResult

EVIL = "<script>alert(1)</script><img src=x onerror=alert(1)>"
SHOWN = "&lt;script&gt;alert(1)&lt;/script&gt;"


def response(app, path):
    page = b"".join(app({"PATH_INFO": path}, lambda status, headers: None)).decode()
    assert "<img src=x" not in page
    assert "<script>alert" not in page
    return page


def test_a_name_in_the_list_of_reports(sweeps, sqlite_run):
    sweeps.launch()
    sqlite_run(f"UPDATE searchctl_sweeps SET name = '{EVIL}'")
    assert SHOWN in response(ReportApp(open_database(sweeps.url)), "/")


def test_a_requested_name_is_escaped(sweeps):
    sweeps.launch()
    assert SHOWN in response(ReportApp(open_database(sweeps.url)), f"/{EVIL}")


def test_the_error_of_a_trial(sweeps, quick_runner):
    def failing(job, on_epoch, stop):
        if job.trial:
            return quick_runner(job, on_epoch, stop)
        return JobResult("failed", None, error=EVIL)

    prepared, _ = sweeps.launch(failing)
    page = html(gather(prepared.engine, queries.find_sweep(prepared.engine, "quick")))
    assert SHOWN in page
    assert "<img src=x" not in page
