"""The decisions of a sweep that nothing disturbed."""

import pytest

from tests.sweeps.driven_sweeps import stored


@pytest.fixture(scope="module")
def undisturbed(sweeps_below, tmp_path_factory):
    prepared, _ = sweeps_below(tmp_path_factory.mktemp("undisturbed")).launch()
    return stored(prepared)
