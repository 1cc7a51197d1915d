"""Sweep files written in a test, as a user would write them."""

from pathlib import Path
from textwrap import dedent

import pytest

from searchctl.orchestrator.config.load import load_sweep
from searchctl.orchestrator.config.parsing.problems import SweepError


@pytest.fixture
def sweep_of(tmp_path, monkeypatch):
    """Load a sweep.yaml of this text, in an empty directory."""
    monkeypatch.chdir(tmp_path)

    def load_text(text, **options):
        Path("sweep.yaml").write_text(dedent(text))
        return load_sweep("sweep.yaml", **options)

    return load_text


@pytest.fixture
def refused(sweep_of):
    """The lines of the error with which a sweep.yaml of this text is refused."""

    def lines_of(text):
        with pytest.raises(SweepError) as caught:
            sweep_of(text)
        return str(caught.value).splitlines()

    return lines_of
