"""Access control of the dashboard: WSGI middleware, and the source of its token.

Optuna's dashboard has no users: everyone who can reach it can rename and delete studies. So it is
only reachable from this machine, or requires a token. The printed URL contains the token. A browser
then gets a cookie that is derived from it; a script sends the token in a header.
"""

import hmac
import ipaddress
import os
import re
import secrets
from collections.abc import Iterable, Mapping
from hashlib import sha256
from http.cookies import CookieError, SimpleCookie
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, quote, urlencode

from searchctl.orchestrator.core.errors import SearchctlError
from searchctl.orchestrator.core.secret_files import read_secret
from searchctl.orchestrator.web.guesses import WINDOW, Guesses

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

TOKEN_VARIABLE = "SEARCHCTL_DASHBOARD_TOKEN"
LEAST = 16
"""Minimum length of a token, which is the only protection."""

_LOCAL_NAMES = ("localhost", "127.0.0.1", "::1")
_HOST = re.compile(r"(?:\[(?P<v6>[0-9A-Fa-f:.]+)\]|(?P<name>[\w.-]+))(?::[0-9]{1,5})?", re.ASCII)
_TOO_MANY = "too many wrong tokens from this address: wait a minute"
_TOKEN_NEEDED = "this dashboard needs its token: open the URL that `searchctl dashboard` printed"


def is_loopback(host: str) -> bool:
    """Return whether only this machine can reach an address; the only such name is localhost."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def given_token(file: Path | None, environment: Mapping[str, str] = os.environ) -> str | None:
    """Return the token from a file, or else from $SEARCHCTL_DASHBOARD_TOKEN, or else None.

    Raises:
        SearchctlError: the file cannot be read, other users can read it, or the token is too short.
    """
    if file is None:
        token = environment.get(TOKEN_VARIABLE)
        return _long_enough(token, f"${TOKEN_VARIABLE}") if token else None
    return _long_enough(read_secret(file, "the token"), str(file))


def new_token() -> str:
    """Return a random token of 256 bits."""
    return secrets.token_urlsafe(32)


def _long_enough(token: str, source: str) -> str:
    if len(token) < LEAST:
        raise SearchctlError(
            f"the token of {source} is shorter than {LEAST} characters: use a longer one"
        )
    return token


class TokenGuard:
    """WSGI middleware that answers every request without the token with 401."""

    def __init__(self, app: "WSGIApplication", token: str, cookie: str) -> None:
        """Protect `app`.

        Args:
            app: the protected app.
            token: the token.
            cookie: name of the cookie. It must be unique on the host, whose ports share cookies.
        """
        self._app = app
        self._token = token.encode()
        self._cookie = cookie
        self._guesses = Guesses()
        # Not the token itself: a leaked cookie does not reveal a token that is used elsewhere too.
        self._pass = hmac.new(self._token, b"searchctl dashboard", sha256).hexdigest().encode()

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        """Pass an authorized request to the app; refuse any other."""
        if self._has_cookie(environ):
            return self._app(environ, start_response)
        query = parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True)
        sent = [value for name, value in query if name == "token"]
        bearer = _bearer(environ)
        address = environ.get("REMOTE_ADDR", "")
        if (sent or bearer) and self._guesses.exceeded(address):
            wait = [("Retry-After", f"{WINDOW:.0f}"), ("Cache-Control", "no-store")]
            return answer(start_response, "429 Too Many Requests", _TOO_MANY, wait)
        if any(_same(value, self._token) for value in sent):
            return self._log_in(environ, query, start_response)
        if bearer and _same(bearer, self._token):
            return self._app(environ, start_response)
        if sent or bearer:
            self._guesses.add(address)
        refusal = [("WWW-Authenticate", 'Bearer realm="searchctl"'), ("Cache-Control", "no-store")]
        return answer(start_response, "401 Unauthorized", _TOKEN_NEEDED, refusal)

    def _log_in(
        self,
        environ: "WSGIEnvironment",
        query: list[tuple[str, str]],
        start_response: "StartResponse",
    ) -> Iterable[bytes]:
        """Set the cookie and redirect to the same URL without the token, which hides it."""
        # Exactly one slash: a location that starts with two would lead to another host.
        path = "/" + quote(environ.get("PATH_INFO", "").lstrip("/"), encoding="latin-1")
        rest = urlencode([(name, value) for name, value in query if name != "token"])
        headers = [
            ("Location", f"{path}?{rest}" if rest else path),
            # Lax: links from other sites work, but their POST requests come without the cookie
            ("Set-Cookie", f"{self._cookie}={self._pass.decode()}; Path=/; HttpOnly; SameSite=Lax"),
            ("Cache-Control", "no-store"),
            ("Referrer-Policy", "no-referrer"),
        ]
        return answer(start_response, "303 See Other", "", headers)

    def _has_cookie(self, environ: "WSGIEnvironment") -> bool:
        try:
            cookie = SimpleCookie(environ.get("HTTP_COOKIE", "")).get(self._cookie)
        except CookieError:
            return False
        return cookie is not None and _same(cookie.value, self._pass)


class LocalGuard:
    """WSGI middleware that only accepts requests to a local host name.

    It protects against DNS rebinding: a web page can point its own host name at 127.0.0.1 and then
    read the dashboard through the user's browser.
    """

    def __init__(self, app: "WSGIApplication", host: str) -> None:
        """Protect `app`, which is served at `host`."""
        self._app = app
        self._names = {*_LOCAL_NAMES, host.lower()}

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        """Pass a request to a local name to the app; refuse any other."""
        if _name(environ.get("HTTP_HOST", "")) in self._names:
            return self._app(environ, start_response)
        refusal = "this dashboard is for its own machine only: open it as localhost"
        return answer(start_response, "403 Forbidden", refusal, [])


def _bearer(environ: "WSGIEnvironment") -> str:
    """Return the token that a script sends in the Authorization header, or an empty text."""
    kind, _, value = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
    return value.strip() if kind.lower() == "bearer" else ""


def _name(host: str) -> str:
    """Return the name of a Host header without its port; an empty text if it is malformed.

    >>> _name("LocalHost:8080"), _name("[::1]:8080"), _name("127.0.0.1")
    ('localhost', '::1', '127.0.0.1')
    >>> _name("localhost:80@evil.example"), _name("[::1]evil.example")
    ('', '')
    """
    match = _HOST.fullmatch(host)
    return (match["v6"] or match["name"]).lower() if match else ""


def _same(given: str, expected: bytes) -> bool:
    """Compare in constant time, so that timing does not reveal a prefix of the secret."""
    return hmac.compare_digest(given.encode(errors="replace"), expected)


def answer(
    start_response: "StartResponse",
    status: str,
    text: str,
    headers: list[tuple[str, str]],
    kind: str = "text/plain",
) -> Iterable[bytes]:
    """Send a response with one line of text."""
    body = f"{text}\n".encode()
    common = [("Content-Type", f"{kind}; charset=utf-8"), ("Content-Length", str(len(body)))]
    start_response(status, [*common, *headers])
    return [body]
