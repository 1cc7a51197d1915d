"""The dashboard: Optuna's stock app over our database, behind a guard, in a real browser."""

import http.client
import os
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path

import optuna
import pytest
from click.testing import CliRunner
from optuna_dashboard import get_note, save_note
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from orchestrator.cli import cli
from orchestrator.errors import SearchctlError
from orchestrator.serving.access import given_token, is_loopback, new_token
from orchestrator.serving.dashboard import Dashboard, make_server

TOKEN = "a-token-of-tests-0123456789"


@contextmanager
def served(app, token=None, host="127.0.0.1"):
    with make_server(app, host, 0, token) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield server.server_port
        server.shutdown()


@pytest.fixture(scope="module")
def swept(sweeps_below, tmp_path_factory):
    """A database with a finished sweep."""
    sweeps = sweeps_below(tmp_path_factory.mktemp("dashboard"))
    sweeps.launch()
    return sweeps


@pytest.fixture(scope="module")
def guarded(swept):
    """The port of the dashboard behind its token."""
    with served(Dashboard(swept.url), TOKEN) as port:
        yield port


def ask(port, path="/api/studies", method="GET", **headers):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, headers=headers)
    answer = connection.getresponse()
    return answer.status, answer.headers, answer.read().decode()


PATHS = ("/", "/dashboard", "/api/studies", "/static/bundle.js", "/report", "/?token=", "/?token=x")


@pytest.mark.parametrize("path", PATHS)
def test_whoever_has_no_token_gets_401_and_nothing_else(path, guarded):
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
def test_what_only_looks_like_the_token_opens_nothing(headers, guarded):
    assert ask(guarded, **headers)[0] == 401


def test_a_script_sends_the_token_in_a_header(guarded):
    status, _, text = ask(guarded, Authorization=f"Bearer {TOKEN}")
    assert (status, '"study_name": "quick"' in text) == (200, True)


def test_the_token_is_told_once_and_a_cookie_opens_from_then_on(guarded):
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


@pytest.mark.parametrize(("host", "status"), [("localhost", 200), ("evil.example", 403)])
def test_without_a_token_only_this_machine_s_own_names_are_answered(host, status, swept):
    with served(Dashboard(swept.url)) as port:
        assert ask(port, Host=f"{host}:{port}")[0] == status
        assert ask(port)[0] == 200


def test_a_report_is_served_beside_the_dashboard(swept):
    def report(environ, start_response):
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [f"report of {environ['PATH_INFO']}".encode()]

    with served(Dashboard(swept.url, report)) as port:
        assert ask(port, "/report/quick")[2] == "report of /quick"
        assert ask(port, "/report")[2] == "report of "
        assert ask(port, "/reports")[0] == 404


def study_of(swept):
    return optuna.load_study(study_name="quick", storage=swept.url)


def test_every_trial_has_a_note_that_says_why_it_ended(swept):
    for trial in study_of(swept).trials:
        note = get_note(optuna.trial.Trial(study_of(swept), trial._trial_id))
        number = trial.user_attrs["trial"]
        assert note.startswith(f"**{trial.user_attrs['verdict'].capitalize()} at rung ")
        assert trial.user_attrs["reason"] in note
        assert note.endswith(f"More: `searchctl show quick {number}`\n")


def test_a_note_that_a_user_wrote_is_kept(sweeps, quick_runner):
    def noting(job, on_epoch, stop):
        if (job.trial, job.rung) == (0, 0):
            save_note(optuna.trial.Trial(study_of(sweeps), 1), "mine")
        return quick_runner(job, on_epoch, stop)

    sweeps.launch(noting)
    study = study_of(sweeps)
    notes = [get_note(optuna.trial.Trial(study, trial._trial_id)) for trial in study.trials]
    assert notes[0] == "mine"
    assert "**Pruned at rung 0**" in notes[1]
    save_note(optuna.trial.Trial(study, 2), "")
    sweeps.resume()
    assert get_note(optuna.trial.Trial(study_of(sweeps), 2)) == ""


def console_errors(browser):
    return [entry["message"] for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]


def text_of(browser, *words):
    """The page's text, once these words are in it."""

    def found(_):
        text = browser.find_element(By.TAG_NAME, "body").text
        return text if all(word in text for word in words) else None

    return WebDriverWait(browser, 60).until(found)


def test_the_page_opens_with_the_token_and_shows_the_study(browser, guarded):
    home = f"http://localhost:{guarded}"
    browser.get(f"{home}/dashboard?token={TOKEN}")
    assert "quick" in text_of(browser, "quick")
    assert TOKEN not in browser.current_url
    assert browser.execute_script("return document.cookie") == ""  # HttpOnly
    browser.get(f"{home}/dashboard/studies/1/trials")
    assert "Pruned at rung" in text_of(browser, "Pruned at rung", "rank")
    assert console_errors(browser) == []


def test_the_page_stays_shut_without_the_token(browser, swept):
    with served(Dashboard(swept.url), new_token()) as port:
        browser.get(f"http://localhost:{port}/dashboard")
        assert "needs its token" in text_of(browser, "token")
        assert "quick" not in browser.page_source
        assert all("401" in error for error in console_errors(browser))


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
def test_a_token_that_others_may_know_is_refused(mode, text, refusal, tmp_path):
    file = tmp_path / "token"
    file.write_text(text)
    file.chmod(mode)
    with pytest.raises(SearchctlError, match=refusal):
        given_token(file, {})


def test_a_port_that_is_taken_is_told(swept, guarded):
    with pytest.raises(SearchctlError, match="give another --port"):
        make_server(Dashboard(swept.url), "127.0.0.1", guarded, None)


@pytest.fixture
def dashboard(swept):
    """Start the command; return its first line and its process."""
    started = []

    def start(*arguments, **environment):
        command = [str(Path(sys.executable).parent / "searchctl"), "dashboard", *arguments]
        process = subprocess.Popen(
            [*command, "--port", "0", "--db", swept.url],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1", **environment},
        )
        started.append(process)
        return process.stdout.readline().strip()

    yield start
    for process in started:
        process.terminate()
        process.communicate(timeout=30)


def port_of(line):
    return int(line.split(":")[2].split("/")[0])


def test_the_command_serves_a_sweep_to_its_own_machine(dashboard):
    line = dashboard("quick")
    assert line == f"dashboard at http://127.0.0.1:{port_of(line)}/dashboard/studies/1"
    assert ask(port_of(line))[0] == 200


def test_the_command_makes_a_token_for_any_other_address(dashboard):
    line = dashboard("--all", "--host", "0.0.0.0")
    token = line.partition("/dashboard?token=")[2]
    assert len(token) > 40
    assert ask(port_of(line))[0] == 401
    assert ask(port_of(line), Authorization=f"Bearer {token}")[0] == 200


def test_a_token_of_the_environment_is_asked_for_on_this_machine_too(dashboard):
    line = dashboard("quick", SEARCHCTL_DASHBOARD_TOKEN=TOKEN)
    assert line.endswith(f"?token={TOKEN}")
    assert ask(port_of(line))[0] == 401


@pytest.mark.parametrize("arguments", [(), ("quick", "--all")])
def test_a_sweep_or_all_of_them_are_asked_for(arguments):
    assert CliRunner().invoke(cli, ["dashboard", *arguments]).exit_code == 2


def test_a_study_that_was_deleted_is_told(sweeps):
    sweeps.launch()
    optuna.delete_study(study_name="quick", storage=sweeps.url)
    done = CliRunner().invoke(cli, ["dashboard", "quick", "--db", sweeps.url])
    assert "resume quick` makes it anew" in str(done.exception)
