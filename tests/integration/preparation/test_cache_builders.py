"""Several builders of the decoded cache at once, and builders that are killed."""

import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from searchctl.trainer.data.cache.name import Need
from searchctl.trainer.data.cache.store import Cache
from searchctl.trainer.data.opening import build_dataset
from tests.images.synthetic_folders import draw_folder, folder_data

PROJECT = Path(__file__).parents[3]
EXACT, SOURCE = Need("train", "exact"), Need("train", "source")
BUILDER = """
import sys, time
from pathlib import Path
from tests.images.synthetic_folders import folder_data
from searchctl.trainer.data.cache.store import Cache
from searchctl.trainer.data.cache.name import Need
from searchctl.trainer.data.sets.folders.folder import Folder
from searchctl.trainer.data.opening import build_dataset

root, place, log, pause = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], float(sys.argv[4])
read = Folder.read

def slowly(self, split, index):
    with open(log, "a") as file:
        file.write(f"{index}\\n")
    time.sleep(pause)
    return read(self, split, index)

Folder.read = slowly
data = folder_data(root, cache_dir=place)
Cache(data, build_dataset(data)).build([Need("train", "exact"), Need("train", "source")])
"""


@pytest.fixture
def root(tmp_path):
    return draw_folder(tmp_path / "data", count=24)


@pytest.fixture
def place(tmp_path):
    return tmp_path / "cache"


@pytest.fixture
def log(tmp_path):
    """A file with a line for each image that was decoded by a builder of another process."""
    path = tmp_path / "log"
    path.touch()
    return path


@pytest.fixture
def start(root, place, log):
    """Start a process that builds entries; it is ended with the test."""
    started = []

    def start(pause):
        command = [sys.executable, "-c", BUILDER, root, place, log, str(pause)]
        started.append(subprocess.Popen(command, cwd=PROJECT))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()


def opened(root, place, **changes):
    data = folder_data(root, cache_dir=place, **changes)
    return Cache(data, build_dataset(data))


def decoded(log):
    return [int(line) for line in log.read_text().splitlines()]


def wait_for_images(log, count, process):
    deadline = time.monotonic() + 60
    while len(decoded(log)) < count:
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)


def assert_right(root, place):
    """What is in the cache is what the files hold."""
    cache, dataset = opened(root, place), build_dataset(folder_data(root, cache_dir=place))
    for index in range(12):
        image, label = dataset.load("train", index)
        assert np.array_equal(cache.entry(SOURCE).images[index], image)
        assert np.array_equal(cache.entry(SOURCE).labels[index], label)
    assert len(cache.entry(EXACT).pixels) == 12


def test_of_two_processes_that_build_at_once_one_waits_for_the_other(root, place, start, log):
    builders = [start(0.05), start(0.05)]
    assert [builder.wait(60) for builder in builders] == [0, 0]
    assert sorted(decoded(log)) == list(range(12))
    assert len(list(place.iterdir())) == 2  # no lock is left, nothing half built
    assert_right(root, place)


def test_of_two_threads_that_build_at_once_one_waits_for_the_other(root, place):
    reported = []

    def build(number):
        opened(root, place).build([EXACT, SOURCE], lambda *each: reported.append((number, *each)))

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(build, range(2)))
    one_by_one = [{done for who, done, _ in reported if who == number} for number in range(2)]
    assert set(range(1, 13)) in one_by_one
    assert_right(root, place)


def test_a_process_that_waits_for_another_builder_can_stop(root, place, start, log):
    wait_for_images(log, 1, start(0.5))

    def leave(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        opened(root, place).build([EXACT], leave)


@pytest.mark.parametrize(
    "images",
    [
        pytest.param(1, marks=pytest.mark.exhaustive),
        5,
        pytest.param(11, marks=pytest.mark.exhaustive),
    ],
)
def test_a_builder_that_is_killed_leaves_nothing_that_is_read(root, place, start, log, images):
    builder = start(0.05)
    wait_for_images(log, images, builder)
    builder.send_signal(signal.SIGKILL)
    builder.wait()
    assert any(path.name.startswith(".building-") for path in place.iterdir())
    assert_right(root, place)
    assert sorted(path.name for path in place.iterdir() if path.name.startswith(".")) == []


def test_files_of_a_killed_builder_are_removed_by_the_next(root, place, start, log, tmp_path):
    builder = start(0.05)
    wait_for_images(log, 5, builder)
    builder.kill()
    builder.wait()
    opened(draw_folder(tmp_path / "other"), place).entry(EXACT)
    assert len(list(place.glob("*"))) == 1
    assert not list(place.glob(".building-*"))


def test_entries_that_are_being_built_are_never_removed(root, place, start, log, tmp_path):
    builder = start(0.1)
    wait_for_images(log, 2, builder)
    other = opened(draw_folder(tmp_path / "other"), place, cache_limit_gb=1e-5)
    other.entry(EXACT)  # what is there is over its limit
    assert builder.wait(60) == 0
    assert sorted(decoded(log)) == list(range(12))
    assert_right(root, place)
