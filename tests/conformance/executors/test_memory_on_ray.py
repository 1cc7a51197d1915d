"""A job that ran out of memory on a real Ray, with two jobs on a card; no GPU is needed."""

import os
import time
from dataclasses import replace

import pytest

from searchctl.orchestrator.executors.job import JobAttempt
from searchctl.orchestrator.executors.ray import cluster
from searchctl.orchestrator.executors.ray.tune import RayTuneExecutor
from searchctl.trainer.core.results import JobResult
from tests.jobs.executors import BracketSource, by_value, never
from tests.servers.one_ray import shared_ray

pytestmark = [pytest.mark.xdist_group("ray"), pytest.mark.exhaustive]


@pytest.fixture
def one_card(monkeypatch):
    start = cluster._init
    monkeypatch.setattr(cluster, "_init", lambda **options: start(**{**options, "num_gpus": 1}))
    with shared_ray():
        yield


class SharedCard(BracketSource):
    """Hands out jobs for half of a card; one that ran out of memory gets the whole."""

    def __init__(self, trials):
        super().__init__(trials)
        self.alone = set()

    def next_job(self):
        job = super().next_job()
        if not isinstance(job, JobAttempt):
            return job
        return replace(job, gpus=1.0 if (job.rung, job.trial) in self.alone else 0.5)

    def record(self, job, result):
        if result.status != "out_of_memory":
            super().record(job, result)
            return
        self.alone.add((job.rung, job.trial))
        self.lost(job, result.error)


def test_the_retry_has_the_card_for_itself_and_a_process_of_its_own(one_card, tmp_path):
    def greedy(job, on_epoch, stop):
        mine = tmp_path / f"runs-{job.rung}-{job.trial}-{os.getpid()}"
        mine.touch()
        beside = 0
        for _ in range(10):
            time.sleep(0.05)
            beside = max(beside, len([*tmp_path.glob("runs-*")]) - 1)
        mine.unlink()
        if job.trial == 0 and job.rung == 0 and job.gpus < 1:
            return JobResult("out_of_memory", None, error=str(os.getpid()))
        return JobResult("complete", float(job.trial), sample_hash=str(os.getpid()), threads=beside)

    source, tried = SharedCard(trials=4), []
    lose = source.lost
    source.lost = lambda job, error: (tried.append(error), lose(job, error))
    RayTuneExecutor(cpus=0.1, gpus=0.5, runner=by_value(greedy)).run(source, never)
    assert source.bracket.finished
    assert source.alone == {(0, 0)}
    results = {(rung, trial): result for rung, trial, result in source.results}
    assert results[0, 0].threads == 0
    assert [results[0, 0].sample_hash] != tried
    assert max(result.threads for result in results.values()) == 1
