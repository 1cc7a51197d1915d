"""Serves Optuna's dashboard for the sweeps' database, with our pictures and reports."""

import json
import socket
from collections.abc import Iterable, Iterator, Mapping
from itertools import count
from pathlib import PurePosixPath
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING, Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer
from wsgiref.util import shift_path_info

from optuna_dashboard import _note, _serializer, wsgi
from optuna_dashboard.artifact._backend import list_trial_artifacts

from searchctl.orchestrator.core.errors import SearchctlError
from searchctl.orchestrator.search.study import open_storage
from searchctl.orchestrator.web.access import LocalGuard, TokenGuard, answer
from searchctl.orchestrator.web.pictures import PictureStore
from searchctl.orchestrator.web.same_origin import OriginGuard

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment


def make_quick() -> None:
    """Replace two functions of Optuna's dashboard that read all attributes for each trial.

    With thousands of trials, its pages would take minutes.
    """
    _note.get_note_from_system_attrs = note_of
    _serializer.list_trial_artifacts = _artifacts_of


def note_of(attributes: Mapping[str, Any], trial_id: int | None) -> dict[str, Any]:
    """Return the note of a trial, or of the study (None), from the study's attributes."""
    prefix = "dashboard:" if trial_id is None else f"dashboard:{trial_id}:"
    if f"{prefix}note_ver" not in attributes:
        return {"version": 0, "body": ""}
    body = "".join(_parts(attributes, f"{prefix}note_str:"))
    return {"version": int(attributes[f"{prefix}note_ver"]), "body": body}


def _parts(attributes: Mapping[str, Any], prefix: str) -> Iterator[str]:
    """Yield the parts in which a note is stored."""
    for part in count():
        if f"{prefix}{part}" not in attributes:
            return
        yield attributes[f"{prefix}{part}"]


def _artifacts_of(_of_study: object, attributes: dict[str, Any], trial: object) -> list[Any]:
    """Return a trial's artifacts without searching the study, where old dashboards kept them."""
    found: list[Any] = list_trial_artifacts({}, attributes, trial)
    return found


_READ_ONLY = {"reason": "artifacts: they are the sweep's own pictures"}
"""The dashboard shows this text after 'Failed to delete' or 'Failed to upload'."""


class Dashboard:
    """Optuna's dashboard with the jobs' pictures, and optionally our reports at /report."""

    def __init__(
        self, url: str, pictures: PictureStore, report: "WSGIApplication | None" = None
    ) -> None:
        """Serve the studies of a database; `report` gets paths without their /report."""
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
        """Send a picture, or 404 if it is missing, for which Optuna's app would send 500."""
        try:
            content = self._pictures.open_reader(name).read()
        except FileNotFoundError as error:
            return answer(start_response, "404 Not Found", str(error), [])
        headers = [
            ("Content-Type", "image/png"),
            ("Content-Length", str(len(content))),
            ("Cache-Control", "private, max-age=86400"),  # the picture of an attempt never changes
        ]
        start_response("200 OK", headers)
        return [content]


class DashboardServer(ThreadingMixIn, WSGIServer):
    """A threaded HTTP server whose threads end with the process."""

    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Print nothing: usually a browser has closed its connection."""


class _Handler(WSGIRequestHandler):
    def log_message(self, *_: object) -> None:
        """Log nothing, because a URL may contain the token."""


def make_server(app: "WSGIApplication", host: str, port: int, token: str | None) -> DashboardServer:
    """Return a listening server with access control.

    Args:
        app: the app to serve.
        host: address to listen on.
        port: port to listen on; 0 takes any free one.
        token: the required token; None only accepts requests to a local host name.

    Raises:
        SearchctlError: the server cannot listen on the address.
    """
    kind = type("Server", (DashboardServer,), {"address_family": _family(host)})
    try:
        server: DashboardServer = kind((host, port), _Handler)
    except (OSError, OverflowError) as error:
        raise SearchctlError(
            f"cannot listen on {host} port {port} ({error}): choose another --port"
        ) from error
    own = OriginGuard(app)
    if token is None:
        server.set_app(LocalGuard(own, host))
    else:
        server.set_app(TokenGuard(own, token, f"searchctl_dashboard_{server.server_port}"))
    return server


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET
