"""Which database is meant."""

import pytest

from searchctl.orchestrator.config.locations import DEFAULT_URL, database_url
from searchctl.orchestrator.core.errors import SearchctlError

OPTION, VARIABLE, FILE, STORED = (f"sqlite:///{name}.db" for name in ("o", "v", "f", "s"))


@pytest.fixture(autouse=True)
def _nothing_is_said(monkeypatch):
    for name in ("SEARCHCTL_DB_URL", "SEARCHCTL_DB_URL_FILE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def url_file(tmp_path, monkeypatch):
    file = tmp_path / "url"
    file.touch(mode=0o600)
    file.write_text(f"{FILE}\n")
    monkeypatch.setenv("SEARCHCTL_DB_URL_FILE", str(file))
    return file


def test_without_a_word_the_database_is_here():
    assert database_url(None) == DEFAULT_URL
    assert database_url(None, STORED) == STORED


def test_what_is_nearer_to_the_command_counts_first(url_file, monkeypatch):
    assert database_url(None, STORED) == FILE
    monkeypatch.setenv("SEARCHCTL_DB_URL", VARIABLE)
    assert database_url(None, STORED) == VARIABLE
    assert database_url(OPTION, STORED) == OPTION


def test_a_file_with_the_url_that_others_may_read_is_refused_with_the_fix(url_file):
    url_file.chmod(0o640)
    with pytest.raises(SearchctlError, match=f"other users can read .*chmod 600 {url_file}"):
        database_url(None)


def test_a_file_with_the_url_that_is_not_there_is_named(url_file):
    url_file.unlink()
    with pytest.raises(SearchctlError, match=f"SEARCHCTL_DB_URL_FILE.* from {url_file}: No such"):
        database_url(None)
