"""Users' scripts on a real Ray: what happens to their processes when a worker is killed."""

import os
import signal
from dataclasses import replace

import pytest
from upath import UPath

from searchctl.orchestrator.executors.job import JobAttempt
from searchctl.orchestrator.executors.ray.tune import RayTuneExecutor
from tests.jobs.executors import BracketSource, never
from tests.own_parts.scripts import TRAIN, script_job
from tests.processes.polling import until
from tests.processes.running_processes import marked

pytestmark = [pytest.mark.xdist_group("ray"), pytest.mark.exhaustive]

RESUMES = TRAIN.replace(
    "for epoch in range(1, epochs + 1):",
    "import subprocess, time\n"
    "earlier = sys.argv[4]\n"
    "start = int(open(earlier + '/model.txt').read()) + 1 if earlier else 1\n"
    "if not earlier: subprocess.Popen(['sleep', '300'], start_new_session=True)\n"
    "for epoch in range(start, epochs + 1):\n"
    "    if epoch == 3 and not earlier: time.sleep(300)",
)


class _ScriptSource(BracketSource):
    """Hands out jobs that run a script, and kills the worker of the first one after two epochs."""

    def __init__(self, folder):
        super().__init__(trials=1)
        self._folder, self._attempts, self._worker = folder, [], None

    def next_job(self):
        job = super().next_job()
        if not isinstance(job, JobAttempt):
            return job
        out = UPath(self._folder / f"out-{len(self._attempts)}")
        command = "python train.py {lr} {epochs} {out} '{resume_from}'"
        like = script_job(self._folder, RESUMES, command=command)
        earlier = tuple(reversed(self._attempts))
        self._attempts.append(out)
        same = {"script": like.script, "sample": like.sample, "device": "cpu", "processes": 1}
        return replace(job, **same, out=out, resume_from=earlier, params=like.params)

    def started(self, job, worker):
        super().started(job, worker)
        self._worker = int(worker.split(":")[1])

    def on_epoch(self, job, record):
        super().on_epoch(job, record)
        if record.epoch == 2:
            assert len(marked(f"SEARCHCTL_REPORT={self._attempts[0]}/report.jsonl")) >= 3
            os.kill(self._worker, signal.SIGKILL)


def test_a_killed_worker_leaves_no_process_of_a_script_and_its_retry_resumes(tmp_path):
    source = _ScriptSource(tmp_path)
    RayTuneExecutor(cpus=1).run(source, never)
    assert source.losses == [(0, 0)]
    ((_, _, result),) = source.results
    assert (result.status, result.first_epoch) == ("complete", 3)
    assert [record.epoch for record in result.epochs] == [1, 2, 3]
    assert until(lambda: not marked(f"SEARCHCTL_REPORT={tmp_path}/out-0/report.jsonl"), 30)
