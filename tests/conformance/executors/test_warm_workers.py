"""Workers over the barriers of a ladder, on a real Ray."""

import os
import signal
import time
from collections import defaultdict
from pathlib import Path
from types import SimpleNamespace

import pytest
from ray import tune

from searchctl.orchestrator.executors.ray.tune import RayTuneExecutor
from searchctl.orchestrator.executors.ray.warm_workers import IDLE_LIMIT_S, WarmWorkers
from searchctl.trainer.core.results import JobResult
from tests.jobs.executors import BracketSource, by_value, never
from tests.servers.one_ray import shared_ray

pytestmark = pytest.mark.xdist_group("ray")


@pytest.fixture(scope="module")
def one_ray():
    with shared_ray():
        yield


def run(runner, trials=8, **options):
    """Run a ladder; return its source, and the processes of the workers of each rung."""
    source, pids = BracketSource(trials), defaultdict(set)
    RayTuneExecutor(cpus=0.25, runner=runner, **options).run(source, never)
    for rung, _, worker in source.workers:
        pids[rung].add(int(worker.split(":")[1]))
    return source, pids


def alive(pid):
    """Does the process live, and not as a zombie?"""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def wait_for(true):
    until = time.monotonic() + 30
    while not true() and time.monotonic() < until:
        time.sleep(0.05)


def gathering(folder, workers):
    """A runner whose jobs wait for each other, so that each rung uses as many workers as it can.

    The jobs of the last rung wait for the end of all other workers.
    """

    def gather(job, on_epoch, stop):
        (folder / f"{job.rung}-{os.getpid()}").touch()
        wait_for(lambda: len([*folder.glob(f"{job.rung}-*")]) >= workers[job.rung])
        pids = {file.name.split("-")[1] for file in folder.iterdir()}
        if job.rung == len(workers) - 1:
            wait_for(lambda: sum(map(alive, pids)) == workers[-1])
        return JobResult("complete", float(job.trial), sample_hash=str(sum(map(alive, pids))))

    return by_value(gather)


@pytest.mark.parametrize(
    "workers", [[2, 2, 2], pytest.param([4, 4, 2], marks=pytest.mark.exhaustive)]
)
def test_every_rung_runs_on_workers_of_the_first_and_the_surplus_ends(one_ray, tmp_path, workers):
    source, pids = run(gathering(tmp_path, workers), max_parallel=workers[0])
    assert [len(pids[rung]) for rung in range(3)] == workers
    assert len(set.union(*pids.values())) == workers[0]
    last = {result.sample_hash for rung, _, result in source.results if rung == 2}
    assert last == {str(workers[-1])}


@pytest.mark.exhaustive
def test_a_job_that_waits_for_its_worker_does_not_take_that_of_another(one_ray, tmp_path):
    def first_two_are_short(job, on_epoch, stop):
        (tmp_path / str(job.trial)).touch()
        if job.trial > 1:
            wait_for(lambda: (tmp_path / "0").exists() and (tmp_path / "1").exists())
        return JobResult("complete", float(job.trial))

    source, _ = run(by_value(first_two_are_short), max_parallel=2)
    worker = {trial: worker for rung, trial, worker in source.workers if rung == 0}
    assert worker[0] != worker[1]


@pytest.mark.exhaustive
def test_idle_workers_that_died_cost_a_job_one_attempt_at_most(one_ray, tmp_path):
    def ends_the_idle(job, on_epoch, stop):
        (tmp_path / str(os.getpid())).touch()
        time.sleep(0.5)
        if job.trial == 0 and job.rung == 0:
            time.sleep(3)
            for file in tmp_path.iterdir():
                if file.name != str(os.getpid()):
                    os.kill(int(file.name), signal.SIGKILL)
        return JobResult("complete", -float(job.trial))

    source, _ = run(ends_the_idle, max_parallel=4)
    assert source.bracket.finished
    assert 1 <= len(source.losses) == len(set(source.losses)) <= 3


class _Cache:
    def __init__(self, idle):
        self._cached_objects, self.most = {RESOURCES: idle}, 0

    def increase_max(self, key, by):
        self.most += by


RESOURCES = tune.PlacementGroupFactory([{"CPU": 1}])


@pytest.mark.parametrize(
    ("age", "wanted", "kept"),
    [(0, 3, 3), (IDLE_LIMIT_S - 1, 3, 3), (IDLE_LIMIT_S + 1, 3, 0), (0, 1, 1), (0, 0, 0)],
)
def test_idle_workers_are_kept_for_a_time(age, wanted, kept):
    now, cache = [0.0], _Cache(["one", "other"])
    workers = WarmWorkers(lambda ended: wanted, RESOURCES, lambda: now[0])
    controller = SimpleNamespace(_actor_cache=cache, get_trials=list)
    workers.choose_trial_to_run(controller)
    now[0] = age
    workers.choose_trial_to_run(controller)
    assert cache.most == kept


def test_another_ray_runs_the_jobs_as_before_and_says_so_once(caplog):
    workers = WarmWorkers(lambda ended: 3, RESOURCES)
    controller = SimpleNamespace(get_trials=list)
    for _ in range(2):
        assert workers.choose_trial_to_run(controller) is None
        workers.on_trial_error(controller, None)
    assert len(caplog.records) == 1
    assert "starts all workers again at each rung" in caplog.text
