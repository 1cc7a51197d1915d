"""Several processes that train one job give the same result as one process."""

import hashlib
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from upath import UPath

from searchctl.trainer import Sample, TrainSettings, TrialJob, run_distributed, run_job
from searchctl.trainer.data.settings import ImageFolderData, ScenesData
from searchctl.trainer.ddp import launcher
from searchctl.trainer.ddp.process import WorkerProcess
from searchctl.trainer.own_code.files import OwnCode
from tests.jobs.checkpoints import when_written
from tests.processes.running_processes import Shown, command_line, family, is_loopback

SETTINGS = TrainSettings(model="unet", epochs=2, batch_size=4, optimizer="sgd", lr=0.05, threads=1)
DATA = ScenesData(dataset="scenes", image_size=(32, 32), train=16, val=5, test=2)
TRIALS = {
    "batch norm": {},
    "layer norm and an auxiliary head": {
        "model": "upernet",
        "encoder": "test_convnext",
        "width": 16,
        "lr": 0.001,  # at 0.05 the second epoch turns rounding into 1 % of the loss
    },
    "no norm, all of a recipe": {
        "batch_norm": False,
        "loss": "weighted_cross_entropy",
        "augment": "flips",
        "accumulate": 2,
        "clip_norm": 0.5,
        "ema": 0.9,
    },
    "sums over all of a batch": {"loss": "dice", "batch_size": 5},
    "a loss by import path": {"loss": "torch.nn:CrossEntropyLoss", "batch_size": 5},
    "one part of a network": {"finetune": "decoder", "loss": "focal"},
}


@pytest.fixture(scope="module", autouse=True)
def _no_process_is_left():
    yield
    launcher.end_idle_workers()
    assert members() == []


def members():
    below = family(os.getpid())[1:]
    return [pid for pid in below if "searchctl.trainer.ddp.worker" in command_line(pid)]


def job(out, params=None, *, images=15, data=DATA, **fields):
    """15 images at a batch size of 4: the last batch has 3, which are not divided evenly."""
    sample = Sample(data, images=images, seed=7)
    usual = {"out": out, "device": "cpu"}
    settings = SETTINGS if "model" in (params or {}) else SETTINGS.with_params({"width": 4})
    return TrialJob(params=params or {}, settings=settings, sample=sample, **usual | fields)


@pytest.fixture
def alone(tmp_path):
    def run(*args, out="alone", on_epoch=None, stop=None, **fields):
        return run_job(job(tmp_path / out, *args, **fields), on_epoch=on_epoch, stop=stop)

    return run


@pytest.fixture
def by(tmp_path):
    """Run a job by so many processes."""

    def run(processes, *args, out="ddp", on_epoch=None, stop=None, **fields):
        request = job(tmp_path / out, *args, **fields)
        return run_distributed(request, processes, on_epoch=on_epoch, stop=stop)

    return run


def losses(result):
    return [(epoch.train_loss, epoch.val_loss) for epoch in result.epochs]


def assert_same(one, other, tolerance=1e-4):
    assert (one.status, one.error) == (other.status, other.error) == ("complete", None)
    for mine, yours in zip(losses(one), losses(other), strict=True):
        assert mine == pytest.approx(yours, rel=tolerance)
    assert one.evaluations.keys() == other.evaluations.keys()
    for split, evaluation in one.evaluations.items():
        assert evaluation.loss == pytest.approx(other.evaluations[split].loss, rel=tolerance)
        assert evaluation.miou == pytest.approx(other.evaluations[split].miou, abs=0.002)
    assert one.images_seen == other.images_seen


@pytest.mark.exhaustive
def test_a_batch_with_fewer_images_than_processes_is_trained_on_whole_by_each(alone, by):
    params = {"batch_size": 2}
    assert_same(by(3, params, final=True), alone(params, final=True))
    launcher.end_idle_workers()


@pytest.mark.parametrize("trial", TRIALS)
def test_two_processes_have_the_result_of_one(trial, alone, by):
    assert_same(by(2, TRIALS[trial]), alone(TRIALS[trial]))


@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="needs two GPUs")
@pytest.mark.parametrize("trial", TRIALS)
def test_two_gpus_have_the_result_of_one(trial, alone, by):
    params = {**TRIALS[trial], "precision": "fp32"}
    assert_same(by(2, params, device="cuda"), alone(params, device="cuda"), tolerance=1e-2)


def test_pairs_of_images_are_mixed_across_processes(drawn_classes_root, alone, by):
    data = ImageFolderData(dataset="image_folder", root=drawn_classes_root, image_size=(32, 32))
    params = {"model": "timm:test_resnet", "mixup": 0.5, "cutmix": 0.5, "batch_size": 6}
    params["lr"] = 0.001  # as above: rounding is not to be amplified
    arguments = {"data": data, "score": "val_accuracy", "images": 22}
    assert_same(by(2, params, **arguments), alone(params, **arguments))


def test_the_same_weights_have_the_same_counts_for_each_image_in_their_order(alone, by):
    params = {"batch_norm": False, "lr": 1e-30, "epochs": 1}
    one, two = alone(params), by(2, params)
    assert one.image_counts.counts.tolist() == two.image_counts.counts.tolist()
    assert one.image_counts.loss_sums == pytest.approx(two.image_counts.loss_sums, rel=1e-6)
    assert one.score == two.score


def test_only_the_first_process_writes_and_reports(by, tmp_path):
    reported = []
    result = by(2, keep_weights=True, masks=2, on_epoch=reported.append)
    assert [record.epoch for record in reported] == [1, 2]
    assert reported == list(result.epochs)
    files = ["checkpoint.pt", "masks.png", "model.safetensors"]
    assert sorted(path.name for path in (tmp_path / "ddp").iterdir()) == files


def test_processes_listen_to_nobody_beyond_this_machine(by):
    shown = Shown()
    by(2, on_epoch=lambda record: [shown.look(pid) for pid in members()])
    assert shown.listens_at
    assert all(map(is_loopback, shown.listens_at))


def test_processes_that_ended_well_run_the_next_job_too(by):
    by(2)
    before = members()
    by(2)
    assert members() == before


def test_divergence_ends_all_processes_with_the_epochs_so_far(alone, by):
    params = {"lr": 1e30, "epochs": 3, "batch_norm": False}
    one, two = alone(params), by(2, params)
    assert (two.status, two.error) == (one.status, one.error)
    assert two.status == "diverged"
    assert len(two.epochs) == len(one.epochs)


def test_an_error_of_the_configuration_is_reported_as_with_one_process(alone, by):
    params = {"finetune": "last_9"}
    one, two = alone(params), by(2, params)
    assert (two.status, two.error) == (one.status, one.error)
    assert two.status == "failed"


def test_the_cause_is_reported_while_the_other_process_waits(by, monkeypatch):
    start_job = WorkerProcess.start_job

    def start_other_job(worker, task):
        wrong = replace(task, job=replace(task.job, params={"finetune": "last_9"}))
        start_job(worker, wrong if worker.rank else task)

    monkeypatch.setattr(WorkerProcess, "start_job", start_other_job)
    monkeypatch.setattr(launcher, "GRACE_S", 0.5)
    result = by(2)
    assert result.status == "failed"
    assert result.error.startswith("finetune last_9")


GREEDY = """\
import torch
from torch import nn


class Greedy(nn.Conv2d):
    def __init__(self, classes):
        super().__init__(3, classes, 1)

    def forward(self, images):
        if self.training and torch.distributed.get_rank():
            raise torch.OutOfMemoryError("CUDA out of memory")
        return super().forward(images)
"""


@pytest.mark.exhaustive
def test_memory_that_runs_out_in_one_process_is_reported_with_the_kind_of_its_network(
    by, tmp_path, monkeypatch
):
    (tmp_path / "greedy.py").write_text(GREEDY)
    named = (("greedy.py", hashlib.sha256(GREEDY.encode()).hexdigest()),)
    monkeypatch.setattr(launcher, "GRACE_S", 0.5)
    result = by(2, {"model": "greedy:Greedy"}, code=OwnCode(UPath(tmp_path), named))
    assert (result.status, result.batch_statistics) == ("out_of_memory", False)


@pytest.mark.parametrize(
    ("before", "after"), [(1, 2), pytest.param(2, 1, marks=pytest.mark.exhaustive)]
)
def test_a_job_continues_with_another_number_of_processes(before, after, alone, by, tmp_path):
    run = by if before == 2 else lambda _, *args, **keywords: alone(*args, **keywords)
    first, done = tmp_path / "first", []
    writes = {
        "checkpoint_every_s": 0,
        "on_epoch": when_written(first, done.append),
        "stop": lambda: bool(done),
    }
    stopped = run(before, {"epochs": 6}, out="first", **writes)
    assert stopped.status == "stopped"
    run = by if after == 2 else lambda _, *args, **keywords: alone(*args, **keywords)
    resumed = run(after, {"epochs": 6}, out="second", resume_from=[first])
    assert 1 < resumed.first_epoch <= 6
    assert_same(resumed, alone({"epochs": 6}, out="whole"), tolerance=1e-2)


@pytest.mark.parametrize("rank", [pytest.param(0, marks=pytest.mark.exhaustive), 1])
def test_a_job_is_lost_within_seconds_of_the_death_of_a_process(rank, by):
    killed_at, pids = [], []

    def kill(record):
        if not killed_at:
            pids.extend(members())  # in the order in which they were started
            os.kill(pids[rank], signal.SIGKILL)
            killed_at.append(time.monotonic())

    result = by(2, {"epochs": 500}, on_epoch=kill)
    assert time.monotonic() - killed_at[0] < 10
    assert result.status == "lost"
    assert result.error == f"process {rank} of the job was ended by SIGKILL"
    assert not any(map(command_line, pids))


@pytest.mark.exhaustive
def test_one_hanging_process_ends_the_job(by):
    pids = []

    def freeze(record):
        pids.extend(members())
        os.kill(pids[1], signal.SIGSTOP)

    result = by(2, {"epochs": 500}, on_epoch=freeze, stall_timeout_s=2)
    assert result.status == "lost"
    assert not any(map(command_line, pids))


PARENT = """
from pathlib import Path
from searchctl.trainer import run_distributed
from tests.integration.training.test_ddp_launcher import job, members
import sys

def reported(record):
    print(*members(), flush=True)

run_distributed(job(Path(sys.argv[1]), {"epochs": 500}), 2, on_epoch=reported)
"""


def test_no_process_outlives_the_one_that_started_it(tmp_path):
    root = Path(__file__).parents[3]
    command = [sys.executable, "-c", PARENT, str(tmp_path)]
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True) as parent:
        # older versions of torch print lines of their own
        line = next(line for line in parent.stdout if line[0].isdigit())
        pids = [int(pid) for pid in line.split()]
        parent.kill()
    assert len(pids) == 2
    leave_at = time.monotonic() + 5
    while any(map(command_line, pids)) and time.monotonic() < leave_at:
        time.sleep(0.05)
    assert not any(map(command_line, pids))
