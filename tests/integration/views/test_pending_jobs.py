"""Reasons of pending jobs, from the driver to `searchctl status`."""

import json

from click.testing import CliRunner

from searchctl.orchestrator.cli.main import cli
from searchctl.orchestrator.core.pending import Waiting
from searchctl.orchestrator.driver.lease import Lease
from searchctl.orchestrator.halving.job_key import JobKey
from searchctl.orchestrator.storage.reads import queries
from searchctl.orchestrator.storage.writes.writer import SweepWriter

FULL = Waiting(1, {"GPU": 1}, {"GPU": 0}, {"GPU": 2}, nodes=1)
LINE = "1 job waits for 1 GPU: 2 of 2 GPUs are in use, by quick (1 job)"


def status(prepared, *options):
    done = CliRunner().invoke(cli, ["status", "quick", "--db", prepared.url, *options])
    assert done.exit_code == 0, done.output
    return done.output


def test_a_wait_is_reported_while_it_lasts_and_a_driver_runs(sweeps):
    prepared = sweeps.prepare()
    with Lease(prepared.engine, prepared.row.id) as lease:
        writer = SweepWriter(prepared.engine, prepared.row.id, lease.token, lease.ttl_s)
        writer.start_attempt(JobKey(0, 0), token="t", fraction="1/2", images=4, gpus=1)
        writer.attempt_started("t", "host:1")
        assert "wait" not in status(prepared)
        writer.set_waiting(FULL)
        assert LINE in status(prepared)
        assert json.loads(status(prepared, "--json"))["waits"] == [LINE]
    assert "wait" not in status(prepared)  # there is no driver any more


def test_a_driver_that_takes_over_knows_of_no_wait(sweeps):
    prepared = sweeps.prepare()
    with Lease(prepared.engine, prepared.row.id) as lease:
        writer = SweepWriter(prepared.engine, prepared.row.id, lease.token, lease.ttl_s)
        writer.set_waiting(FULL)
        writer.set_state("RUNNING")
        assert queries.find_sweep(prepared.engine, "quick").waiting is None


def test_a_job_that_never_began_has_taken_no_time(sweeps):
    prepared = sweeps.prepare()
    with Lease(prepared.engine, prepared.row.id) as lease:
        writer = SweepWriter(prepared.engine, prepared.row.id, lease.token, lease.ttl_s)
        writer.start_attempt(JobKey(0, 0), token="t", fraction="1/2", images=4, gpus=1)
        writer.lose_attempt("t", "stopped", None)
    (attempt,) = queries.attempts(prepared.engine, prepared.row)
    assert attempt.started_at == attempt.ended_at
