import io
import logging
import os
import pickle
import subprocess
import sys

import pytest
import torch

from searchctl.trainer.run.checkpoints.file import (
    Checkpoint,
    checksum,
    newest_checkpoint,
    read_checkpoint,
    remove_checkpoint,
    write_checkpoint,
)


def checkpoint(epoch=3, identity="mine"):
    tensors = {"weights": torch.full((100,), float(epoch)), "counts": torch.arange(4)}
    return Checkpoint(identity, epoch, 12.5, {"model": tensors, "progress": {"kept": None}})


def test_a_checkpoint_comes_back_as_it_was(tmp_path):
    write_checkpoint(tmp_path / "new", checkpoint())
    found = read_checkpoint(tmp_path / "new", "mine")
    assert (found.identity, found.epoch, found.seconds) == ("mine", 3, 12.5)
    assert found.training["progress"] == {"kept": None}
    assert torch.equal(found.training["model"]["weights"], torch.full((100,), 3.0))


def test_the_next_checkpoint_replaces_the_last(tmp_path):
    for epoch in (1, 2):
        write_checkpoint(tmp_path, checkpoint(epoch))
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint.pt"]
    assert read_checkpoint(tmp_path, "mine").epoch == 2


@pytest.mark.parametrize("length", [0, 1, 3, 4, 5, 1000, -5, -4, -1])
def test_a_half_written_checkpoint_counts_as_not_there(tmp_path, caplog, length):
    write_checkpoint(tmp_path, checkpoint())
    file = tmp_path / "checkpoint.pt"
    file.write_bytes(file.read_bytes()[:length])
    assert read_checkpoint(tmp_path, "mine") is None
    assert f"{file} is damaged, and is not used" in caplog.text


@pytest.mark.parametrize("share", [0, 0.2, 0.4, 0.6, 0.8, 1])
def test_a_checkpoint_with_one_wrong_bit_counts_as_not_there(tmp_path, share):
    write_checkpoint(tmp_path, checkpoint())
    file = tmp_path / "checkpoint.pt"
    content = bytearray(file.read_bytes())
    content[int(share * (len(content) - 1))] ^= 1
    file.write_bytes(content)
    assert read_checkpoint(tmp_path, "mine") is None


class Malicious:
    def __init__(self, victim):
        self.victim = victim

    def __reduce__(self):
        return os.mkdir, (str(self.victim),)


def saved_by_torch(value):
    buffer = io.BytesIO()
    torch.save(value, buffer)
    return buffer.getvalue()


def pickled(value):
    return pickle.dumps(value, protocol=2)


@pytest.mark.parametrize("form", [pickled, saved_by_torch, lambda value: b"no pickle at all"])
def test_a_foreign_file_runs_no_code_though_its_checksum_is_right(tmp_path, form):
    victim = tmp_path / "victim"
    content = form({"identity": "mine", "epoch": Malicious(victim)})
    file = tmp_path / "checkpoint.pt"
    file.write_bytes(content + checksum(content))
    assert read_checkpoint(tmp_path, "mine") is None
    assert not victim.exists()
    pickle.loads(pickled(Malicious(victim)))  # a careless reader would have run it
    assert victim.exists()


def test_a_checkpoint_of_another_job_counts_as_not_there(tmp_path, caplog):
    write_checkpoint(tmp_path, checkpoint(identity="other"))
    assert read_checkpoint(tmp_path, "mine") is None
    assert "is of other settings or of another job, and is not used" in caplog.text


def test_no_checkpoint_is_no_reason_for_a_warning(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    assert read_checkpoint(tmp_path / "nowhere", "mine") is None
    assert caplog.text == ""


def test_the_newest_checkpoint_of_the_job_is_found(tmp_path):
    for folder, epoch, identity in [("a", 2, "mine"), ("b", 4, "mine"), ("c", 9, "other")]:
        write_checkpoint(tmp_path / folder, checkpoint(epoch, identity))
    folders = [tmp_path / folder for folder in "abcd"]
    assert newest_checkpoint(folders, "mine").epoch == 4
    assert newest_checkpoint(folders, "unknown") is None
    assert newest_checkpoint([], "mine") is None


def test_removing_leaves_other_files_and_no_rest_of_killed_writers(tmp_path):
    write_checkpoint(tmp_path, checkpoint())
    for name in (".checkpoint.pt.5e1f", "model.safetensors"):
        (tmp_path / name).touch()
    for _ in range(2):
        remove_checkpoint(tmp_path)
        assert [path.name for path in tmp_path.iterdir()] == ["model.safetensors"]


KILLED_WHILE_WRITING = """
import os, random, signal, sys, time
from pathlib import Path
import torch
from searchctl.trainer.run.checkpoints.file import Checkpoint, read_checkpoint, write_checkpoint

def write_for_ever(epoch, written):
    while True:
        epoch += 1
        weights = torch.full((300_000,), float(epoch))
        write_checkpoint(folder, Checkpoint("mine", epoch, 0.0, {"weights": weights}))
        os.write(written, b"%d\\n" % epoch)

torch.set_num_threads(1)  # a pool of threads does not survive a fork
folder, last = Path(sys.argv[1]), 0
random.seed(1)
for kill in range(400):
    if kill >= 40 and last > 10:
        break  # else the machine is busy, and more tries are needed
    tell, written = os.pipe()
    child = os.fork()
    if not child:
        write_for_ever(last, written)
    os.close(written)
    time.sleep(random.uniform(0.005, 0.06))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    with os.fdopen(tell) as lines:
        last = int((lines.read().split() or [last])[-1])
    found = read_checkpoint(folder, "mine")
    assert found or not last, f"kill {kill}: no whole checkpoint, {last} was written"
    if found:
        assert found.epoch in (last, last + 1), (kill, found.epoch, last)
        assert (found.training["weights"] == found.epoch).all()
        last = found.epoch
assert last > 10, "hardly anything was written"
print(sum(path.name.startswith(".") for path in folder.iterdir()), "died while writing")
"""


@pytest.mark.exhaustive
def test_a_writer_killed_at_any_moment_leaves_the_last_checkpoint_or_the_one_before(tmp_path):
    command = [sys.executable, "-c", KILLED_WHILE_WRITING, str(tmp_path)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=120)
    assert int(done.stdout.split()[0]) > 0  # a kill hit a write, so this did test something
