"""A user's own module beside the sweep file, with the name of a library.

That names which ours have had do no harm is in test_whole_thread.py.
"""

import pytest

from tests.processes.in_process import searchctl as here

SWEEP = """\
name: small
data: {dataset: scenes, image_size: [32, 48], native_size: [64, 96], train: 16, val: 4, test: 4}
training: {width: 4, epochs: 1, batch_size: 4}
space: {lr: [0.1, 0.01]}
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "sweep.yaml").write_text(SWEEP)
    return tmp_path


def test_a_file_that_would_end_every_worker_is_named_before_the_sweep_is_stored(folder):
    (folder / "torch.py").write_text("")
    done = here("launch", "sweep.yaml", cwd=folder)
    assert done.returncode == 1
    assert f"{folder / 'torch.py'} hides the module 'torch'" in done.stderr
    assert "rename it" in done.stderr
    assert here("list", "--json", cwd=folder).stdout == "[]\n"
