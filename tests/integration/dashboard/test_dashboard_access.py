"""Access to the dashboard: a token in a header or once in a link, a cookie, or local only."""

import pytest

from searchctl.orchestrator.core.errors import SearchctlError
from searchctl.orchestrator.web.access import given_token, is_loopback
from tests.servers.dashboards import TOKEN, ask, dashboard_of, served

PATHS = (
    *("/", "/dashboard", "/api/studies", "/static/bundle.js", "/report", "/artifacts/1/1/00-ab-0"),
    *("/?token=", "/?token=x"),
)


@pytest.mark.parametrize("path", PATHS)
def test_a_request_without_the_token_gets_401_and_nothing_else(path, guarded):
    status, headers, text = ask(guarded, path)
    assert (status, headers["WWW-Authenticate"]) == (401, 'Bearer realm="searchctl"')
    assert "needs its token" in text
    assert "quick" not in text


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Bearer wrong"},
        {"Authorization": f"Basic {TOKEN}"},
        {"Authorization": f"Bearer {TOKEN}x"},
        {"Authorization": "Bearer \xff"},
        {"Cookie": "searchctl_dashboard=1"},
        {"Cookie": ";;=\x01"},
    ],
    ids=str,
)
def test_a_similar_token_is_refused(headers, swept):
    with served(dashboard_of(swept), TOKEN) as port:
        assert ask(port, **headers)[0] == 401


def test_a_script_sends_the_token_in_a_header(guarded):
    status, _, text = ask(guarded, Authorization=f"Bearer {TOKEN}")
    assert (status, '"study_name": "quick"' in text) == (200, True)


def test_the_token_is_sent_once_and_a_cookie_suffices_from_then_on(guarded):
    status, headers, _ = ask(guarded, f"/dashboard/studies/1?a=b%20c&token={TOKEN}")
    assert (status, headers["Location"]) == (303, "/dashboard/studies/1?a=b+c")
    cookie, *attributes = headers["Set-Cookie"].split("; ")
    assert attributes == ["Path=/", "HttpOnly", "SameSite=Lax"]
    assert TOKEN not in cookie
    assert str(guarded) in cookie.partition("=")[0]
    assert ask(guarded, Cookie=f"theme=dark; {cookie}")[0] == 200
    assert ask(guarded, Cookie=f"{cookie}0")[0] == 401


def test_the_way_in_leads_to_no_other_host(guarded):
    for path in ("//evil.example/x", "/%5Cevil.example", "/%0d%0aSet-Cookie:x"):
        _, headers, _ = ask(guarded, f"{path}?token={TOKEN}")
        assert headers["Location"][:2] != "//"
        assert "\\" not in headers["Location"]
        assert headers.get_all("Set-Cookie")[0].startswith("searchctl_dashboard_")


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200),
        ("[::1]", 200),
        ("evil.example", 403),
        ("localhost:80@evil.example", 403),
        ("[::1]evil.example", 403),
        ("localhost.evil.example", 403),
    ],
)
def test_without_a_token_only_this_machine_s_own_names_are_answered(host, status, opened):
    assert ask(opened, Host=f"{host}:{opened}")[0] == status
    assert ask(opened)[0] == 200


@pytest.mark.parametrize("port", ["opened", "guarded"])
@pytest.mark.parametrize(
    ("headers", "passed"),
    [
        ({}, True),
        ({"Origin": "http://localhost:{}", "Host": "localhost:{}"}, True),
        ({"Origin": "http://evil.example"}, False),
        ({"Origin": "http://localhost:1", "Host": "localhost:{}"}, False),
        ({"Origin": "null"}, False),
        ({"Origin": "http://[broken"}, False),
        ({"Sec-Fetch-Site": "cross-site"}, False),
    ],
    ids=str,
)
def test_a_post_from_another_site_s_page_is_refused(headers, passed, port, request):
    served_at = request.getfixturevalue(port)
    sent = {name: value.format(served_at) for name, value in headers.items()}
    status, _, text = ask(
        served_at, "/api/studies", "POST", Authorization=f"Bearer {TOKEN}", **sent
    )
    assert (status == 403 and "another web site" in text) != passed
    assert status < 500 or passed  # Optuna's dashboard refuses an empty body in its own way


def test_wrong_tokens_are_limited_and_those_who_are_in_stay_in(swept):
    with served(dashboard_of(swept), TOKEN) as port:
        _, headers, _ = ask(port, f"/?token={TOKEN}")
        cookie = headers["Set-Cookie"].partition(";")[0]
        answers = [ask(port, Authorization=f"Bearer wrong-{n}")[0] for n in range(12)]
        assert answers == [401] * 10 + [429] * 2
        assert ask(port, Authorization=f"Bearer {TOKEN}")[0] == 429
        assert ask(port, Cookie=cookie)[0] == 200


@pytest.mark.parametrize(
    ("host", "local"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.168.1.7", False),
        ("node-3", False),
        ("", False),
    ],
)
def test_only_a_loopback_address_needs_no_token(host, local):
    assert is_loopback(host) == local


def test_a_token_comes_from_a_file_or_else_from_the_environment(tmp_path):
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    file.chmod(0o600)
    environment = {"SEARCHCTL_DASHBOARD_TOKEN": "another-token-of-tests"}
    assert given_token(file, environment) == TOKEN
    assert given_token(None, environment) == "another-token-of-tests"
    assert given_token(None, {}) is None


@pytest.mark.parametrize(
    ("mode", "text", "refusal"),
    [(0o640, TOKEN, "chmod 600"), (0o600, "short", "shorter than 16"), (0o600, "", "shorter")],
)
def test_a_token_that_other_users_can_read_is_refused(mode, text, refusal, tmp_path):
    file = tmp_path / "token"
    file.write_text(text)
    file.chmod(mode)
    with pytest.raises(SearchctlError, match=refusal):
        given_token(file, {})
