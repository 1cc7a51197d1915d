"""Files that a late node must see before a job starts on it."""

from dataclasses import replace

import pytest
from upath import UPath

from searchctl.orchestrator.executors.ray.nodes import SharedLocations, guarded
from searchctl.trainer.core.atomic_files import write_atomically
from searchctl.trainer.core.results import JobResult
from searchctl.trainer.data.fingerprints import listing_fingerprint

DONE = JobResult("complete", 0.5)


@pytest.fixture
def places(small_scenes, tmp_path):
    shared = SharedLocations(
        small_scenes, listing_fingerprint(small_scenes), UPath(tmp_path), "driver-1"
    )
    write_atomically(shared.mark(), b"")
    return shared


def run(places):
    return guarded(lambda job, on_epoch, stop: DONE, places)(None, None, None)


def test_a_node_with_all_files_runs_jobs(places):
    assert run(places) is DONE
    assert run(None) is DONE  # without a cluster, nothing is checked


def test_a_node_without_the_sweep_s_files_is_blocked_until_it_is_fixed(places, tmp_path):
    elsewhere = replace(places, runs=UPath(tmp_path / "own disk"))
    lacking = run(elsewhere)
    assert lacking.status == "blocked"
    assert "own disk is not what the driver sees there: set storage.runs to" in lacking.error
    write_atomically(elsewhere.mark(), b"")
    assert run(elsewhere) is DONE


def test_a_node_with_other_data_is_blocked(places):
    lacking = run(replace(places, fingerprint="of other files"))
    assert lacking.status == "blocked"
    assert "holds other files than on the driver's node" in lacking.error


def test_a_store_that_does_not_answer_is_named(places):
    unreachable = UPath(
        "s3://runs",
        endpoint_url="http://127.0.0.1:9",
        key="a key",
        secret="a secret",
        config_kwargs={"retries": {"total_max_attempts": 1}, "connect_timeout": 1},
    )
    assert "s3://runs/ cannot be read" in run(replace(places, runs=unreachable)).error
