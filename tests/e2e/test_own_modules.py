"""A user's own modules beside the sweep file, with the names that ours have had, or a library's."""

import pytest

from tests.in_process import searchctl as here

SWEEP = """\
name: small
data: {dataset: scenes, image_size: [32, 48], native_size: [64, 96], train: 16, val: 4, test: 4}
training: {width: 4, epochs: 1, batch_size: 4}
space: {lr: [0.1, 0.01]}
"""
HARMLESS = ("trainer.py", "orchestrator/__init__.py", "searchspace.py", "torch_utils.py")


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "orchestrator").mkdir()
    for name in (*HARMLESS, "queue.py"):
        (tmp_path / name).write_text("raise ImportError('a file of the user')\n")
    (tmp_path / "sweep.yaml").write_text(SWEEP)
    return tmp_path


def test_a_sweep_runs_through_ray_beside_files_of_the_user(folder, searchctl):
    done = searchctl("launch", "sweep.yaml", cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Winner: trial" in done.stdout
    assert "loss 1" not in done.stdout


def test_a_file_that_would_end_every_worker_is_named_before_the_sweep_is_stored(folder):
    (folder / "torch.py").write_text("")
    done = here("launch", "sweep.yaml", cwd=folder)
    assert done.returncode == 1
    assert f"{folder / 'torch.py'} hides the module 'torch'" in done.stderr
    assert "rename it" in done.stderr
    assert here("list", "--json", cwd=folder).stdout == "[]\n"
