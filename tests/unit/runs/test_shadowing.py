"""A user's files beside the sweep file: what may stay, and what would break every worker."""

import pytest

from searchctl.orchestrator.core.errors import SearchctlError
from searchctl.orchestrator.executors.ray import shadowing


@pytest.fixture
def beside(tmp_path, monkeypatch):
    """Write modules of a user into the working directory."""

    def write(*names):
        for name in names:
            path = tmp_path / name
            path.parent.mkdir(exist_ok=True)
            path.write_text("VALUE = 1\n")

    monkeypatch.chdir(tmp_path)
    return write


def test_files_with_names_of_their_own_cost_no_process(beside, monkeypatch):
    beside("train.py", "models/__init__.py", "torch_utils.py")
    monkeypatch.setattr(shadowing, "_imported_late", lambda: pytest.fail("nothing is hidden"))
    shadowing.refuse_shadowing_files()


def test_a_file_that_hides_what_workers_import_is_named_and_one_that_they_have_by_then_is_not(
    beside, tmp_path
):
    beside("numpy.py", "torch/__init__.py", "statistics.py", "queue.py", "ray.py", "this.py")
    with pytest.raises(SearchctlError) as refused:
        shadowing.refuse_shadowing_files()
    lines = str(refused.value).splitlines()
    assert [line.partition(" hides ")[0] for line in lines] == [
        str(tmp_path / name) for name in ("numpy.py", "statistics.py", "torch")
    ]
    assert "rename it" in lines[0]
