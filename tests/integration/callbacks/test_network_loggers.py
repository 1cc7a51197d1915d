"""MLflow and Weights & Biases: one run for each trial, read back by their own readers."""

import logging
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import suppress
from pathlib import Path

import pytest
import wandb
from mlflow.tracking import MlflowClient
from wandb.proto.wandb_internal_pb2 import Record

from searchctl.orchestrator.callbacks import background
from searchctl.orchestrator.callbacks.background import InBackground, NetworkLogger
from searchctl.trainer.pictures.mask_sheet import FILE as MASKS
from tests.processes.polling import until
from tests.servers.ray_cluster import free_ports

RUNS = {f"trial-{trial:04d}" for trial in range(8)} | {"sweep"}
WITH_MASKS = {5, 2}


@pytest.fixture
def drawing(quick_runner):
    """A runner that draws masks, as real jobs do."""
    from PIL import Image

    def run(job, on_epoch, stop):
        (job.out).mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (4, 4)).save(job.out / MASKS)
        return quick_runner(job, on_epoch, stop)

    return run


@pytest.fixture
def mlflow_server(tmp_path):
    """A real server of MLflow's, with its database and files."""
    (port,) = free_ports(1)
    command = [sys.executable, "-m", "mlflow", "server", "--port", str(port), "--workers", "1"]
    store = ["--backend-store-uri", f"sqlite:///{tmp_path}/server.db"]
    artifacts = ["--artifacts-destination", str(tmp_path / "artifacts")]
    with (tmp_path / "server.txt").open("w") as printed:
        server = subprocess.Popen(
            [*command, *store, *artifacts], stdout=printed, stderr=printed, start_new_session=True
        )
    until(lambda: answers(f"http://127.0.0.1:{port}/health"))
    yield f"http://127.0.0.1:{port}"
    server.terminate()
    server.wait(30)


def answers(url):
    with suppress(urllib.error.URLError, OSError):
        return urllib.request.urlopen(url, timeout=5).read() == b"OK"
    return False


def mlflow_runs(uri):
    client = MlflowClient(uri)
    experiment = client.get_experiment_by_name("quick")
    return client, {
        run.info.run_name: run for run in client.search_runs([experiment.experiment_id])
    }


def history(client, run, metric):
    return [
        (each.step, round(each.value, 4))
        for each in client.get_metric_history(run.info.run_id, metric)
    ]


@pytest.mark.exhaustive
def test_mlflow_has_a_run_for_each_trial_with_its_rungs_in_sequence(
    sweeps, drawing, mlflow_server, tmp_path
):
    sweeps.launch(drawing, loggers={"mlflow": mlflow_server})
    client, runs = mlflow_runs(mlflow_server)
    assert set(runs) == RUNS
    assert history(client, runs["trial-0005"], "val/mIoU") == [(1, 0.8), (2, 0.81), (3, 0.82)]
    assert history(client, runs["trial-0005"], "score") == [(1, 0.8), (2, 0.81), (3, 0.82)]
    assert runs["trial-0005"].data.params == {"lr": "0.001", "weight_decay": "0.1"}
    assert {run.info.status for run in runs.values()} == {"FINISHED"}
    of_sweep = runs["sweep"].info.run_id
    masks = {each.path for each in client.list_artifacts(of_sweep, "masks")}
    assert masks == {f"masks/trial-{trial:04d}.png" for trial in WITH_MASKS}
    table = client.download_artifacts(of_sweep, "trials.csv", str(tmp_path))
    first, best = Path(table).read_text().splitlines()[:2]
    assert first == "rank,trial,rung,images,score,mean,test_miou,seconds,lr,weight_decay"
    assert best.startswith("1,5,2,32,0.82")


@pytest.mark.exhaustive
def test_a_resumed_sweep_continues_its_runs_and_repeats_no_step(
    sweeps, quick_runner, mlflow_server
):
    jobs = []

    def dying(job, on_epoch, stop):
        jobs.append(job)
        result = quick_runner(job, on_epoch, stop)
        if len(jobs) == 9:  # an epoch of the second rung is logged, and its result is lost
            raise KeyboardInterrupt
        return result

    with pytest.raises(KeyboardInterrupt):
        sweeps.launch(dying, loggers={"mlflow": mlflow_server})
    sweeps.resume()
    client, runs = mlflow_runs(mlflow_server)
    assert set(runs) == RUNS
    steps = [step for step, _ in history(client, runs["trial-0005"], "loss/train")]
    assert steps == [1, 2, 3]


def records(folder):
    """Return what is in each offline run of W&B's, by the run's id."""
    found = {}
    for file in sorted(folder.glob("wandb/offline-run-*/*.wandb")):
        records = [Record.FromString(data) for data in blocks(file.read_bytes())]
        run = next(each.run for each in records if each.WhichOneof("record_type") == "run")
        found.setdefault(run.run_id, (run, []))[1].extend(records)
    return found


def blocks(content, size=32768):
    """Yield the records of a file in LevelDB's log format, after W&B's own header."""
    at, parts = 7, b""
    while at + 7 <= len(content):
        if size - at % size < 7:
            at += size - at % size
            continue
        length, kind = int.from_bytes(content[at + 4 : at + 6], "little"), content[at + 6]
        parts += content[at + 7 : at + 7 + length]
        at += 7 + length
        if kind in (1, 4):  # whole, or its last part
            yield parts
            parts = b""


def logged(records, name):
    rows = [
        {"/".join(item.nested_key) or item.key: item.value_json for item in each.history.item}
        for each in records
        if each.WhichOneof("record_type") == "history"
    ]
    return [(int(row["_step"]), round(float(row[name]), 4)) for row in rows if name in row]


@pytest.mark.exhaustive
def test_wandb_has_a_run_for_each_trial_in_the_group_of_the_sweep(
    sweeps, drawing, tmp_path, monkeypatch
):
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_SILENT", "true")
    monkeypatch.setenv("WANDB_DIR", str(tmp_path))
    sweeps.launch(drawing, loggers={"wandb": "team/project"})
    wandb.teardown()
    found = records(tmp_path)
    assert set(found) == {f"quick-{name}" for name in RUNS}
    run, written = found["quick-trial-0005"]
    assert (run.entity, run.project, run.run_group, run.display_name) == (
        *("team", "project", "quick", "trial-0005"),
    )
    assert logged(written, "val/mIoU") == [(1, 0.8), (2, 0.81), (3, 0.82)]
    of_sweep = str(found["quick-sweep"][1])
    assert "table-file" in of_sweep
    assert of_sweep.count("trial 5") + of_sweep.count("trial 2") >= len(WITH_MASKS)


class Silent(NetworkLogger):
    def completed(self, end):
        time.sleep(60)


def test_a_logger_that_does_not_answer_delays_the_end_of_a_sweep_by_a_limited_time(
    caplog, monkeypatch
):
    monkeypatch.setattr(background, "CLOSE_S", 0.1)
    with caplog.at_level(logging.WARNING, logger="searchctl"), InBackground(Silent, "W&B") as it:
        it.completed(None)
    assert caplog.messages == ["W&B does not answer: its last values are lost"]


def test_a_sweep_outlives_an_mlflow_that_is_not_there(sweeps, caplog, monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    (port,) = free_ports(1)
    with caplog.at_level(logging.WARNING, logger="searchctl"):
        _, row = sweeps.launch(loggers={"mlflow": f"http://127.0.0.1:{port}"})
    assert row.state == "COMPLETE"
    assert sum(each.startswith("MLflow failed and is disabled") for each in caplog.messages) == 1


@pytest.mark.parametrize(
    ("loggers", "problem"),
    [
        ({"mlflow": "http://me:secret@host"}, "must not hold a name or a password"),
        ({"mlflow": "sqlite:///mlflow.db"}, "must be the address of an MLflow server"),
        ({"wandb": "a/b/c"}, "should match pattern"),
    ],
)
def test_a_logger_s_address_is_checked(loggers, problem, sweeps):
    with pytest.raises(ValueError, match=problem):
        sweeps.sweep(loggers=loggers)
