"""Live reports in the dashboard: a list at /report, the report on a sweep at /report/NAME."""

from collections.abc import Iterable
from typing import TYPE_CHECKING
from urllib.parse import quote

from markupsafe import Markup
from sqlalchemy import Engine

from searchctl.orchestrator.core.errors import SweepNotFound
from searchctl.orchestrator.report.gathering import gather
from searchctl.orchestrator.report.rendering import html
from searchctl.orchestrator.storage.reads import queries

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

_LIST = Markup(
    '<!doctype html><html lang="en"><meta charset="utf-8">'
    '<meta name="viewport" content="width=device-width, initial-scale=1">'
    '<link rel="icon" href="data:,"><title>searchctl reports</title>'
    "<style>:root {{ color-scheme: light dark }} body {{ font: 16px/1.6 system-ui, sans-serif; "
    "margin: 2rem }}</style><h1>Reports</h1><ul>{}</ul></html>"
)
_ITEM = Markup('<li><a href="/report/{}">{}</a>, {}</li>')


class ReportApp:
    """A WSGI app that creates a report at each request."""

    def __init__(self, engine: Engine) -> None:
        """Serve reports on the sweeps of a database."""
        self._engine = engine

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        """Answer a request; its path has no /report."""
        name = environ.get("PATH_INFO", "").encode("latin-1").decode(errors="replace").strip("/")
        try:
            page, status = self._page(name), "200 OK"
        except SweepNotFound as error:
            page, status = str(Markup("<!doctype html><p>{}</p>").format(error)), "404 Not Found"
        body = page.encode()
        headers = [
            ("Content-Type", "text/html; charset=utf-8"),
            ("Content-Length", str(len(body))),
            ("Cache-Control", "no-store"),
        ]
        start_response(status, headers)
        return [body]

    def _page(self, name: str) -> str:
        if name:
            return html(gather(self._engine, queries.find_sweep(self._engine, name)))
        rows = queries.list_sweeps(self._engine)
        items = (_ITEM.format(quote(row.name), row.name, row.shown_state) for row in rows)
        return str(_LIST.format(Markup("").join(items)))
