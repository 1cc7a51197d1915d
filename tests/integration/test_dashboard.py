"""The dashboard: Optuna's stock app over our database, behind a guard, in a real browser."""

import http.client
import io
import json
import os
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path

import optuna
import pytest
from click.testing import CliRunner
from optuna.trial import Trial
from optuna_dashboard import _serializer, get_note, save_note
from PIL import Image
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from orchestrator.cli import cli
from orchestrator.errors import SearchctlError
from orchestrator.report.served import ReportApp
from orchestrator.serving.access import given_token, is_loopback, new_token
from orchestrator.serving.dashboard import Dashboard, make_server
from orchestrator.serving.pictures import PictureStore
from orchestrator.serving.quick_notes import note_of
from orchestrator.storage.database import open_database
from trainer.whole_files import write_whole

TOKEN = "a-token-of-tests-0123456789"


@contextmanager
def served(app, token=None, host="127.0.0.1"):
    with make_server(app, host, 0, token) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield server.server_port
        server.shutdown()


def dashboard_of(sweeps, report=ReportApp):
    engine = open_database(sweeps.url)
    return Dashboard(sweeps.url, PictureStore(engine), report(engine))


def picture_of(job):
    """Return a PNG that is as wide as the job's trial and as high as its rung."""
    buffer = io.BytesIO()
    Image.new("RGB", (job.trial + 1, job.rung + 1), "red").save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture(scope="session")
def drawing(quick_runner):
    """A runner whose jobs leave a picture, as those do that train."""

    def run(job, on_epoch, stop):
        write_whole(job.out / "masks.png", picture_of(job))
        return quick_runner(job, on_epoch, stop)

    return run


@pytest.fixture(scope="module")
def swept(sweeps_below, tmp_path_factory, drawing):
    """A database with a finished sweep."""
    sweeps = sweeps_below(tmp_path_factory.mktemp("dashboard"))
    sweeps.launch(drawing)
    return sweeps


@pytest.fixture(scope="module")
def guarded(swept):
    """The port of the dashboard behind its token."""
    with served(dashboard_of(swept), TOKEN) as port:
        yield port


@pytest.fixture(scope="module")
def opened(swept):
    """The port of the dashboard without one."""
    with served(dashboard_of(swept)) as port:
        yield port


def ask(port, path="/api/studies", method="GET", **headers):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, headers=headers)
    answer = connection.getresponse()
    return answer.status, answer.headers, answer.read().decode(errors="replace")


PATHS = (
    *("/", "/dashboard", "/api/studies", "/static/bundle.js", "/report", "/artifacts/1/1/00-ab-0"),
    *("/?token=", "/?token=x"),
)


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
def test_without_a_token_only_this_machine_s_own_names_are_answered(host, status, opened):
    assert ask(opened, Host=f"{host}:{opened}")[0] == status
    assert ask(opened)[0] == 200


def test_a_report_is_served_beside_the_dashboard(swept):
    def report(environ, start_response):
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [f"report of {environ['PATH_INFO']}".encode()]

    with served(dashboard_of(swept, lambda engine: report)) as port:
        assert ask(port, "/report/quick")[2] == "report of /quick"
        assert ask(port, "/report")[2] == "report of "
        assert ask(port, "/reports")[0] == 404


def artifacts_of(port, number):
    """What the page knows of a trial's artifacts: file name -> path."""
    study = json.loads(ask(port, "/api/studies/1")[2])
    trial = study["trials"][number]
    path = f"/artifacts/1/{trial['trial_id']}"
    return {each["filename"]: f"{path}/{each['artifact_id']}" for each in trial["artifacts"]}


def test_each_rung_of_a_trial_has_its_picture(opened, swept):
    found = artifacts_of(opened, 5)
    assert list(found) == ["rung-0-masks.png", "rung-1-masks.png", "rung-2-masks.png"]
    assert list(artifacts_of(opened, 0)) == ["rung-0-masks.png"]
    connection = http.client.HTTPConnection("127.0.0.1", opened, timeout=30)
    connection.request("GET", found["rung-1-masks.png"])
    answer = connection.getresponse()
    assert answer.headers["Content-Type"] == "image/png"
    assert Image.open(io.BytesIO(answer.read())).size == (6, 2)


FORGED = ("00-ab-0", "x", "..%2f..%2fsweeps.db", "00-..-0", "00--0", "", "00-{token}-2", "{token}")


@pytest.mark.parametrize("name", FORGED)
def test_what_is_no_picture_of_a_job_is_not_found(name, opened):
    folder, _, real = artifacts_of(opened, 5)["rung-0-masks.png"].rpartition("/")
    name = name.format(token=real.split("-")[1])
    assert ask(opened, f"{folder}/{name}")[0] == 404


def test_a_picture_that_is_gone_is_not_found_and_the_page_goes_on(opened, swept):
    for file in swept.folder.rglob("trial-0007/rung-0/*/masks.png"):
        file.unlink()
    assert ask(opened, artifacts_of(opened, 7)["rung-0-masks.png"])[0] == 404
    assert ask(opened, artifacts_of(opened, 7)["rung-1-masks.png"])[0] == 200
    assert ask(opened, "/api/studies/1")[0] == 200


def test_artifacts_can_be_neither_removed_nor_added(opened, swept):
    path = artifacts_of(opened, 5)["rung-2-masks.png"]
    for method, refused in (("DELETE", f"/api{path}"), ("POST", "/api/artifacts/1/6")):
        status, _, text = ask(opened, refused, method)
        assert (status, json.loads(text)["reason"][:9]) == (403, "artifacts")
    assert ask(opened, path)[0] == 200


def test_a_study_that_is_deleted_leaves_the_pictures_for_the_one_made_anew(sweeps, drawing):
    sweeps.launch(drawing, storage={"runs": f"memory://{sweeps.folder.name}"})
    with served(dashboard_of(sweeps)) as port:
        path = artifacts_of(port, 5)["rung-2-masks.png"]
        assert ask(port, "/api/studies/1", "DELETE")[0] == 204
    sweeps.resume()
    with served(dashboard_of(sweeps)) as port:
        anew = artifacts_of(port, 5)["rung-2-masks.png"]
        assert anew.rpartition("/")[2] == path.rpartition("/")[2]
        assert ask(port, anew)[0] == 200


def study_of(swept):
    return optuna.load_study(study_name="quick", storage=swept.url)


def test_the_study_s_note_leads_to_the_report_and_its_values_have_the_score_s_name(swept):
    assert "](/report/quick)" in get_note(study_of(swept))
    assert study_of(swept).metric_names == ["val_miou"]


def test_every_trial_has_a_note_that_says_why_it_ended(swept):
    for trial in study_of(swept).trials:
        note = get_note(Trial(study_of(swept), trial._trial_id))
        number = trial.user_attrs["trial"]
        assert note.startswith(f"**{trial.user_attrs['verdict'].capitalize()} at rung ")
        assert trial.user_attrs["reason"] in note
        assert f"`searchctl explain quick {number}`" in note
        assert "[report](/report/quick)" in note


class Attributes(dict):
    """A study's attributes, all of which are not to be looked at for each trial."""

    def items(self):
        raise AssertionError("a look at everything")


def test_a_trial_is_shown_without_a_look_at_all_notes(swept):
    Dashboard(swept.url, PictureStore(open_database(swept.url)))
    storage, (trial, *_) = study_of(swept)._storage, study_of(swept).trials
    attributes = Attributes(storage.get_study_system_attrs(1))
    shown = _serializer.serialize_frozen_trial(1, trial, attributes)
    assert shown["note"] == {"version": 1, "body": get_note(Trial(study_of(swept), 1))}
    assert [each["filename"] for each in shown["artifacts"]] == ["rung-0-masks.png"]


@pytest.mark.parametrize("note", ["", "short", "long " * 2000])
def test_a_note_is_read_as_it_was_written(note, tmp_path):
    study = optuna.create_study(storage=f"sqlite:///{tmp_path}/notes.db")
    assert note_of({}, None) == {"version": 0, "body": ""}
    for version in (1, 2):
        save_note(study, note)
        attributes = study._storage.get_study_system_attrs(study._study_id)
        assert note_of(attributes, None) == {"version": version, "body": note}


def test_a_note_that_a_user_wrote_is_kept(sweeps, quick_runner):
    def noting(job, on_epoch, stop):
        if (job.trial, job.rung) == (0, 0):
            save_note(Trial(study_of(sweeps), 1), "mine")
            save_note(study_of(sweeps), "my study")
        return quick_runner(job, on_epoch, stop)

    sweeps.launch(noting)
    study = study_of(sweeps)
    notes = [get_note(Trial(study, trial._trial_id)) for trial in study.trials]
    assert notes[0] == "mine"
    assert "**Pruned at rung 0**" in notes[1]
    save_note(Trial(study, 2), "")
    sweeps.resume()
    assert get_note(Trial(study_of(sweeps), 2)) == ""
    assert get_note(study_of(sweeps)) == "my study"


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


def test_the_page_shows_the_pictures_of_a_trial(browser, guarded):
    browser.get(f"http://localhost:{guarded}/dashboard/studies/1/trials?numbers=5&token={TOKEN}")
    text_of(browser, "rung-2-masks.png")
    size = "[image.naturalWidth, image.naturalHeight]"
    sizes = f"return [...document.querySelectorAll('img')].map(image => {size})"
    loaded = [[6, 1], [6, 2], [6, 3]]
    WebDriverWait(browser, 30).until(lambda _: browser.execute_script(sizes) == loaded)
    assert console_errors(browser) == []


@pytest.mark.parametrize("page", ["note", "trials?numbers=5"])
def test_a_note_s_link_opens_the_report_with_the_cookie(page, browser, guarded):
    home = f"http://localhost:{guarded}"
    browser.get(f"{home}/dashboard?token={TOKEN}")
    browser.get(f"{home}/dashboard/studies/1/{page}")
    text_of(browser, "eport")
    browser.find_element(By.CSS_SELECTOR, "a[href='/report/quick']").click()
    assert "quick" in text_of(browser, "Winner")
    assert browser.current_url == f"{home}/report/quick"


def test_the_page_stays_shut_without_the_token(browser, swept):
    with served(dashboard_of(swept), new_token()) as port:
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
        make_server(dashboard_of(swept), "127.0.0.1", guarded, None)


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


def test_a_given_token_is_asked_for_on_this_machine_too_and_not_told(dashboard):
    line = dashboard("quick", SEARCHCTL_DASHBOARD_TOKEN=TOKEN)
    assert line.endswith("/dashboard/studies/1")
    assert ask(port_of(line))[0] == 401


@pytest.mark.parametrize("arguments", [(), ("quick", "--all")])
def test_a_sweep_or_all_of_them_are_asked_for(arguments):
    assert CliRunner().invoke(cli, ["dashboard", *arguments]).exit_code == 2


def test_a_study_that_was_deleted_is_told(sweeps):
    sweeps.launch()
    optuna.delete_study(study_name="quick", storage=sweeps.url)
    done = CliRunner().invoke(cli, ["dashboard", "quick", "--db", sweeps.url])
    assert "resume quick` makes it anew" in str(done.exception)
