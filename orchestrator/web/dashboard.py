"""Serves Optuna's stock dashboard over the sweeps' database, and beside it what is ours."""

import json
import socket
from collections.abc import Iterable
from pathlib import PurePosixPath
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer
from wsgiref.util import shift_path_info

from optuna_dashboard import wsgi

from searchctl.orchestrator.core.errors import SearchctlError
from searchctl.orchestrator.search.study import open_storage
from searchctl.orchestrator.web.access import LocalGuard, TokenGuard, answer
from searchctl.orchestrator.web.pictures import PictureStore
from searchctl.orchestrator.web.quick_notes import make_quick

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

_READ_ONLY = {"reason": "artifacts: they are the sweep's own pictures"}
"""What the page shows after 'Failed to delete' or 'Failed to upload'."""


class Dashboard:
    """Optuna's dashboard with the jobs' pictures, and a report of our own at /report if given."""

    def __init__(
        self, url: str, pictures: PictureStore, report: "WSGIApplication | None" = None
    ) -> None:
        """Show the studies of a database; `report` sees paths without their /report."""
        make_quick()
        self._stock: WSGIApplication = wsgi(open_storage(url), artifact_store=pictures)
        self._pictures = pictures
        self._report = report

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        """Answer a request."""
        match PurePosixPath(environ.get("PATH_INFO", "/")).parts[1:]:
            case ("report", *_) if self._report is not None:
                shift_path_info(environ)
                return self._report(environ, start_response)
            case ("artifacts", *_, name):
                return self._picture(name, start_response)
            case ("api", "artifacts", *_):
                refusal = json.dumps(_READ_ONLY)
                return answer(start_response, "403 Forbidden", refusal, [], "application/json")
        return self._stock(environ, start_response)

    def _picture(self, name: str, start_response: "StartResponse") -> Iterable[bytes]:
        """Answer with a picture; the stock app would call one that is gone a fault of its own."""
        try:
            content = self._pictures.open_reader(name).read()
        except FileNotFoundError as error:
            return answer(start_response, "404 Not Found", str(error), [])
        headers = [
            ("Content-Type", "image/png"),
            ("Content-Length", str(len(content))),
            ("Cache-Control", "private, max-age=86400"),  # it is of one attempt, and never changes
        ]
        start_response("200 OK", headers)
        return [content]


class DashboardServer(ThreadingMixIn, WSGIServer):
    """A server of this process's own; requests end with it."""

    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: a browser that closes its connection is no error of ours."""


class _Handler(WSGIRequestHandler):
    def log_message(self, *_: object) -> None:
        """Keep no log: a token may be in what was asked for."""


def make_server(app: "WSGIApplication", host: str, port: int, token: str | None) -> DashboardServer:
    """Return a server that listens, with the app behind a guard; port 0 takes any that is free.

    Args:
        app: what is served.
        host: address to listen at. One that others can reach is served with a token only.
        port: the port.
        token: opens the dashboard; None serves it without, to this machine.

    Raises:
        SearchctlError: the address cannot be listened at.
    """
    kind = type("Server", (DashboardServer,), {"address_family": _family(host)})
    try:
        server: DashboardServer = kind((host, port), _Handler)
    except (OSError, OverflowError) as error:
        raise SearchctlError(
            f"cannot listen at {host} port {port} ({error}): give another --port"
        ) from error
    if token is None:
        server.set_app(LocalGuard(app, host))
    else:
        server.set_app(TokenGuard(app, token, f"searchctl_dashboard_{server.server_port}"))
    return server


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET
