"""A password in a database's URL is neither stored, nor shown, nor given on the command line."""

import pytest
from click.testing import CliRunner
from pydantic import ValidationError

from searchctl.orchestrator.cli.main import cli
from searchctl.orchestrator.config.load import load_sweep
from searchctl.orchestrator.config.parsing.problems import SweepError
from searchctl.orchestrator.config.sweep import Sweep
from searchctl.orchestrator.core.errors import SearchctlError
from searchctl.orchestrator.storage.connect import database_location, shown

SWEEP = """\
name: small
data: {dataset: scenes, image_size: [32, 48], train: 16, val: 4, test: 4}
space: {lr: [0.1, 0.01]}
"""
WITH_PASSWORD = (
    "postgresql+psycopg://u:s3cret@host/x",
    "postgresql+psycopg://u:${PART}s3cret@host/x",
    "postgresql+psycopg://u:s3@cret@host/x",
    "postgresql+psycopg://u@host/x?password=s3cret",
    "postgresql+psycopg://host/x?sslmode=require&sslpassword=s3cret",
)
WITHOUT = (
    "sqlite:///searchctl.db",
    "postgresql+psycopg://host/x",
    "postgresql+psycopg://u@host:5432/x?sslmode=require",
    "postgresql+psycopg://u:${PART}@host/x",
    "postgresql+psycopg://[::1]:5432/x",
    "${PART}",
)


@pytest.fixture
def sweep_file(tmp_path, monkeypatch):
    monkeypatch.setenv("PART", "part")

    def write(url):
        path = tmp_path / "sweep.yaml"
        path.write_text(f"{SWEEP}storage:\n  url: '{url}'\n")
        return path

    return write


@pytest.mark.parametrize("url", WITH_PASSWORD)
def test_a_sweep_file_with_a_password_is_refused_with_the_fix(url, sweep_file):
    with pytest.raises(SweepError) as refusal:
        load_sweep(sweep_file(url))
    assert "sweep.yaml:5 storage.url: must not hold a password" in str(refusal.value)
    assert "${SEARCHCTL_DB_URL}" in str(refusal.value)
    assert "cret" not in str(refusal.value)


@pytest.mark.parametrize("url", WITHOUT)
def test_a_sweep_file_without_a_password_is_taken(url, sweep_file):
    assert load_sweep(sweep_file(url)).storage.url == url


@pytest.mark.parametrize("url", WITH_PASSWORD)
def test_an_error_of_the_python_interface_does_not_quote_it(url):
    with pytest.raises(ValidationError) as refusal:
        Sweep.model_validate({"name": "small", "storage": {"url": url}})
    assert "cret" not in str(refusal.value)


@pytest.mark.parametrize("url", [url for url in WITH_PASSWORD if url.count("@") < 2])
def test_a_url_is_shown_without_its_passwords(url):
    assert "s3cret" not in shown(url)


def test_a_password_that_holds_an_at_sign_is_refused_and_not_taken_for_a_host():
    with pytest.raises(SearchctlError, match="write @ as %40") as refusal:
        database_location("postgresql+psycopg://u:s3@cret@host/x")
    assert "cret" not in str(refusal.value)


@pytest.mark.parametrize(("user", "warned"), [("u:s3cret", True), ("u", False)])
def test_a_password_on_the_command_line_is_warned_of(user, warned):
    url = f"postgresql+psycopg://{user}@127.0.0.1:1/x"
    output = CliRunner().invoke(cli, ["list", "--db", url]).stderr
    assert ("put the URL into $SEARCHCTL_DB_URL" in output) is warned
    assert "s3cret" not in output
