"""WSGI middleware against requests that other web sites make in the user's browser."""

from collections.abc import Iterable
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from searchctl.orchestrator.web.access import answer

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

_SAFE = ("GET", "HEAD", "OPTIONS")
_REFUSAL = "this request comes from another web site: open the dashboard itself and try again"


class OriginGuard:
    """Refuses every request that may change something and comes from another site's page.

    A browser names the page's site in the Origin header of each such request, and cannot be made
    to leave it out. Scripts send none; they are not driven by a web page.
    """

    def __init__(self, app: "WSGIApplication") -> None:
        """Protect `app`."""
        self._app = app

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        """Pass a request from the dashboard's own pages, or from a script, to the app."""
        if environ.get("REQUEST_METHOD") in _SAFE or _is_own(environ):
            return self._app(environ, start_response)
        return answer(start_response, "403 Forbidden", _REFUSAL, [])


def _is_own(environ: "WSGIEnvironment") -> bool:
    origin = environ.get("HTTP_ORIGIN")
    if origin is None:
        return environ.get("HTTP_SEC_FETCH_SITE", "none") in ("none", "same-origin")
    try:
        site: str = urlsplit(origin).netloc
        own: str = environ.get("HTTP_HOST", "")
        return site.lower() == own.lower()
    except ValueError:
        return False
