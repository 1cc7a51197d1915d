"""Whether the finalists' weights are there, by the rows of a real database and a real disk."""

import shutil

import pytest
from upath import UPath

from searchctl.orchestrator.analysis.verification.evidence import read_record
from searchctl.orchestrator.analysis.verification.verify import verify
from searchctl.orchestrator.halving.cut import cut
from searchctl.orchestrator.halving.job_key import JobKey, key_of
from searchctl.orchestrator.halving.rule import Outcome
from searchctl.orchestrator.run.preparation.prepare import prepare
from searchctl.orchestrator.storage import lease
from searchctl.orchestrator.storage.reads import queries
from searchctl.orchestrator.storage.writes.writer import SweepWriter
from searchctl.trainer.core.results import JobResult


@pytest.fixture
def writing(quick_runner):
    """A quick runner that leaves weights."""

    def runner(job, on_epoch, stop):
        if job.keep_weights:
            job.out.mkdir(parents=True)
            (job.out / "model.safetensors").write_bytes(b"weights")
        return quick_runner(job, on_epoch, stop)

    return runner


@pytest.fixture
def finished(sweeps, writing):
    """A finished sweep with two finalists, and where their weights lie."""
    prepared, row = sweeps.launch(writing)
    jobs = queries.jobs(prepared.engine, row)
    weights = {key_of(job): UPath(job.weights) for job in jobs if job.weights}
    assert len(weights) == 2
    return prepared.engine, row, weights


def test_weights_at_their_recorded_path_are_not_missing(finished):
    engine, row, _ = finished
    assert read_record(engine, row).missing_weights == set()


def test_a_file_that_is_gone_is_missing(finished):
    engine, row, weights = finished
    gone = min(weights)
    weights[gone].unlink()
    record = read_record(engine, row)
    assert record.missing_weights == {gone}
    (line,) = (str(found) for found in verify(record) if found.what == "file of the weights")
    assert f"rung {gone[1]}, trial {gone[0]}: file of the weights is '{weights[gone]}'" in line


def test_all_files_are_missing_from_the_machine_that_had_them(finished, sweeps):
    engine, row, weights = finished
    shutil.rmtree(sweeps.folder / "runs")
    assert read_record(engine, row).missing_weights == set(weights)


@pytest.mark.parametrize("elsewhere", ["/scratch-of-a-node/me", "s3://bucket", "memory://"])
def test_a_disk_that_is_not_mounted_is_not_reported(finished, sweeps, sqlite_run, elsewhere):
    engine, row, _ = finished
    sqlite_run(
        f"UPDATE searchctl_jobs SET weights = replace(weights, '{sweeps.folder}', '{elsewhere}')"
    )
    assert read_record(engine, row).missing_weights == set()


def test_with_a_server_the_whole_runs_directory_may_be_elsewhere(sweeps, postgres_url):
    prepared = prepare(sweeps.sweep({"lr": [0.1]}), postgres_url)
    engine, row = prepared.engine, prepared.row
    lease.acquire(engine, row.id, "driver", "here:1", 60)
    writer = SweepWriter(engine, row.id, "driver", 60)
    writer.start_attempt(JobKey(0, 0), token="a", fraction="1", images=32, gpus=0)
    weights = prepared.runs / "trial-0000/rung-0/a/model.safetensors"
    decisions = cut([Outcome(0, 0, 0.5)], None, "maximize")
    writer.save_result("a", JobResult("complete", 0.5, weights=weights), decisions)
    assert prepared.runs.exists()
    assert read_record(engine, row).missing_weights == {JobKey(0, 0)}
    shutil.rmtree(sweeps.folder / "runs")
    assert read_record(engine, row).missing_weights == set()
    engine.dispose()
