"""Who may open the dashboard: a small WSGI layer around its app, and where its token comes from.

The dashboard itself knows no users, and lets everyone who reaches it rename and delete studies. So
it is served to this machine alone, or with a token. The token is told once, in the address that is
printed; a browser then holds a cookie that is made from it, and a script sends it in a header.
"""

import hmac
import ipaddress
import os
import secrets
from collections.abc import Iterable, Mapping
from hashlib import sha256
from http.cookies import CookieError, SimpleCookie
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, quote, urlencode

from searchctl.orchestrator.core.errors import SearchctlError
from searchctl.orchestrator.core.secret_files import read_secret

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

TOKEN_VARIABLE = "SEARCHCTL_DASHBOARD_TOKEN"
LEAST = 16
"""Characters that a token must have: it is the only thing that keeps strangers out."""

_LOCAL_NAMES = ("localhost", "127.0.0.1", "::1")
_TELL = "this dashboard needs its token: open the address that `searchctl dashboard` has printed"


def is_loopback(host: str) -> bool:
    """Say whether an address is reached from this machine alone; of names only localhost is."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def given_token(file: Path | None, environment: Mapping[str, str] = os.environ) -> str | None:
    """Return the token of a file or, without one, of $SEARCHCTL_DASHBOARD_TOKEN; None for none.

    Raises:
        SearchctlError: others can read the file, it cannot be read, or the token is too short.
    """
    if file is None:
        token = environment.get(TOKEN_VARIABLE)
        return _long_enough(token, f"${TOKEN_VARIABLE}") if token else None
    return _long_enough(read_secret(file, "the token"), str(file))


def new_token() -> str:
    """Return a token that nobody can guess."""
    return secrets.token_urlsafe(32)


def _long_enough(token: str, source: str) -> str:
    if len(token) < LEAST:
        raise SearchctlError(f"the token of {source} is shorter than {LEAST} characters")
    return token


class TokenGuard:
    """Lets nobody through to an app who does not have the token: 401, whatever was asked for."""

    def __init__(self, app: "WSGIApplication", token: str, cookie: str) -> None:
        """Guard `app`; `cookie` is the cookie's name: ports of one host share their cookies."""
        self._app = app
        self._token = token.encode()
        self._cookie = cookie
        # not the token itself: who sees the cookie can use this dashboard, and no more
        self._pass = hmac.new(self._token, b"searchctl dashboard", sha256).hexdigest().encode()

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        """Answer a request, or hand it on."""
        query = parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True)
        if any(name == "token" and _same(value, self._token) for name, value in query):
            return self._let_in(environ, query, start_response)
        if self._holds_cookie(environ) or self._holds_token(environ):
            return self._app(environ, start_response)
        refusal = [("WWW-Authenticate", 'Bearer realm="searchctl"'), ("Cache-Control", "no-store")]
        return answer(start_response, "401 Unauthorized", _TELL, refusal)

    def _let_in(
        self,
        environ: "WSGIEnvironment",
        query: list[tuple[str, str]],
        start_response: "StartResponse",
    ) -> Iterable[bytes]:
        """Set the cookie, and lead to the same place without the token: it is not left in view."""
        # one slash: an address that begins with two would lead to another host
        path = "/" + quote(environ.get("PATH_INFO", "").lstrip("/"), encoding="latin-1")
        rest = urlencode([(name, value) for name, value in query if name != "token"])
        headers = [
            ("Location", f"{path}?{rest}" if rest else path),
            # Lax: a link in a message may lead here; requests that change something stay our own
            ("Set-Cookie", f"{self._cookie}={self._pass.decode()}; Path=/; HttpOnly; SameSite=Lax"),
            ("Cache-Control", "no-store"),
            ("Referrer-Policy", "no-referrer"),
        ]
        return answer(start_response, "303 See Other", "", headers)

    def _holds_cookie(self, environ: "WSGIEnvironment") -> bool:
        try:
            held = SimpleCookie(environ.get("HTTP_COOKIE", "")).get(self._cookie)
        except CookieError:
            return False
        return held is not None and _same(held.value, self._pass)

    def _holds_token(self, environ: "WSGIEnvironment") -> bool:
        kind, _, value = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
        return kind.lower() == "bearer" and _same(value.strip(), self._token)


class LocalGuard:
    """Hands on what was asked of this machine by one of its own names, and nothing else.

    A page of the web can make a browser ask for its own host name, after having this name lead to
    127.0.0.1 (DNS rebinding): the dashboard would else answer to it.
    """

    def __init__(self, app: "WSGIApplication", host: str) -> None:
        """Guard `app`, which is served at `host`."""
        self._app = app
        self._names = {*_LOCAL_NAMES, host.lower()}

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        """Answer a request, or hand it on."""
        if _name(environ.get("HTTP_HOST", "")) in self._names:
            return self._app(environ, start_response)
        tell = "this dashboard is served to its own machine: open it as localhost"
        return answer(start_response, "403 Forbidden", tell, [])


def _name(host: str) -> str:
    """Return the name of a Host header, without its port.

    >>> _name("LocalHost:8080"), _name("[::1]:8080"), _name("127.0.0.1")
    ('localhost', '::1', '127.0.0.1')
    """
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0].lower()


def _same(given: str, wanted: bytes) -> bool:
    """Compare in a time that tells nothing of how much is right."""
    return hmac.compare_digest(given.encode(errors="replace"), wanted)


def answer(
    start_response: "StartResponse",
    status: str,
    text: str,
    headers: list[tuple[str, str]],
    kind: str = "text/plain",
) -> Iterable[bytes]:
    """Answer with a line of text."""
    body = f"{text}\n".encode()
    usual = [("Content-Type", f"{kind}; charset=utf-8"), ("Content-Length", str(len(body)))]
    start_response(status, [*usual, *headers])
    return [body]
