"""Jobs whose files lie in an object store: in memory, and behind S3's protocol over HTTP."""

import logging

import pytest
from moto.server import ThreadedMotoServer
from upath import UPath

from searchctl.trainer import Sample, TrainSettings
from searchctl.trainer.core.errors import SettingsError
from searchctl.trainer.run.checkpoints.file import newest_checkpoint, remove_checkpoint
from searchctl.trainer.weights.files import load_weights
from tests.jobs.small_jobs import run_small

SETTINGS = TrainSettings(width=4, epochs=3, batch_size=8, threads=1, loader_workers=1)


@pytest.fixture(scope="module")
def s3():
    """A bucket on a server of this test's own."""
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    bucket = UPath(
        "s3://runs", endpoint_url=f"http://{host}:{port}", key="a key", secret="a secret"
    )
    bucket.fs.mkdir("runs")
    yield bucket
    server.stop()


@pytest.fixture(params=["memory", "s3"])
def store(request, tmp_path):
    if request.param == "memory":
        return UPath(f"memory://{tmp_path}")
    return request.getfixturevalue("s3") / request.node.name


@pytest.fixture
def run(small_scenes):
    def job(out, **arguments):
        sample = Sample(small_scenes, images=16, seed=7)
        return run_small(SETTINGS, sample, out=out, **{"keep_weights": True, **arguments})

    return job


def test_a_job_continues_from_a_checkpoint_in_the_store_to_the_same_weights(run, store, tmp_path):
    epochs = []
    stop = {"on_epoch": epochs.append, "stop": lambda: len(epochs) == 2}
    assert run(store / "first", **stop).status == "stopped"
    result = run(store / "second", resume_from=[store / "first", store / "none"])
    whole = run(UPath(tmp_path))
    assert (result.status, result.first_epoch) == ("complete", 3)
    assert str(result.weights) == str(store / "second" / "model.safetensors")
    assert result.weights.read_bytes() == whole.weights.read_bytes()


def test_initial_weights_are_read_from_the_store(run, store, tmp_path):
    below = run(store / "below")
    here = UPath(tmp_path / "model.safetensors")
    here.write_bytes(below.weights.read_bytes())
    warm = [run(store / "warm", init_from=path).score for path in (below.weights, here)]
    assert warm[0] == warm[1] != run(store / "fresh").score


def test_weights_that_are_not_in_the_store_are_named(store):
    with pytest.raises(SettingsError, match=r"nowhere/model\.safetensors"):
        load_weights(store / "nowhere" / "model.safetensors")


def test_a_damaged_checkpoint_in_the_store_counts_as_not_there(run, store):
    run(store / "first")
    file = store / "first" / "checkpoint.pt"
    file.write_bytes(file.read_bytes()[:-1])
    assert run(store / "second", resume_from=[store / "first"]).first_epoch == 1


def test_a_checkpoint_is_removed_from_the_store(run, store):
    run(store / "first")
    for _ in range(2):
        remove_checkpoint(store / "first")
    assert newest_checkpoint([store / "first"], "any") is None
    assert [path.name for path in (store / "first").iterdir()] == ["model.safetensors"]


def test_a_bucket_that_is_not_there_blocks_the_job_and_is_named(run, s3):
    missing = UPath("s3://no-such-bucket", **s3.storage_options)
    result = run(missing / "out", waits=False)
    assert result.status == "blocked"
    assert "bucket does not exist" in result.error
    assert not missing.exists()


def test_a_store_that_does_not_answer_is_a_lost_job(run):
    unreachable = UPath(
        "s3://runs",
        endpoint_url="http://127.0.0.1:9",
        key="a key",
        secret="a secret",
        config_kwargs={"retries": {"total_max_attempts": 1}, "connect_timeout": 1},
    )
    result = run(unreachable / "out", waits=False)
    assert result.status == "blocked"
    assert "cannot write s3://runs/out/model.safetensors: EndpointConnectionError" in result.error
