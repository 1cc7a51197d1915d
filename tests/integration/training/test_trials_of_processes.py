"""A sweep whose trials are each trained by two processes, one of which is killed."""

import os
import signal

from searchctl.orchestrator.executors.job import train
from searchctl.orchestrator.storage.reads import queries
from tests.jobs.checkpoints import when_written
from tests.processes.running_processes import command_line, family

TWO = {
    "data": {"dataset": "scenes", "image_size": [24, 32], "train": 8, "val": 4, "test": 2},
    "training": {"width": 4, "epochs": 6, "batch_size": 4, "threads": 1},
    "space": {"lr": [0.1, 0.01]},
    "halving": {"finalists": 2},
    "resources": {"processes_per_trial": 2, "cpus_per_trial": 2, "checkpoint_every": 0},
    "report": {"images": 0},
}


def test_a_killed_process_costs_an_attempt_and_no_trial(sweeps):
    killed = []

    def runner(job, on_epoch, stop):
        assert job.processes == 2

        def kill_one(record):
            on_epoch(record)
            if not killed:
                below = family(os.getpid())[1:]
                killed.extend(p for p in below if "ddp.worker" in command_line(p))
                os.kill(killed[1], signal.SIGKILL)

        return train(job, when_written(job.out, kill_one), stop)

    prepared, row = sweeps.launch(runner, **TWO)
    assert row.state == "COMPLETE"
    lost, again = queries.attempts(prepared.engine, row, 0)
    assert (lost.outcome, lost.error) == ("lost", "process 1 of the job was ended by SIGKILL")
    assert again.outcome == "complete"
    assert again.first_epoch > 1
