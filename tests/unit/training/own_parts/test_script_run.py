"""Jobs of a user's script, run with real processes that take milliseconds."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from textwrap import dedent

import pytest
from upath import UPath

from searchctl.trainer.script.process import ScriptProcess
from searchctl.trainer.script.run import run_script
from tests.own_parts.scripts import TRAIN, script_job
from tests.processes.running_processes import marked


def test_the_best_epoch_and_the_weights_of_a_script_are_kept(tmp_path):
    seen = []
    job = script_job(tmp_path, job={"keep_weights": True})
    result = run_script(job, on_epoch=seen.append)
    assert (result.status, result.score, result.kept_epoch) == ("complete", 0.5 - 0.1 / 3, 3)
    assert [record.epoch for record in seen] == [1, 2, 3]
    assert result.epochs == tuple(seen)
    assert result.weights == UPath(tmp_path / "out" / "model.txt")
    assert (tmp_path / "out" / "output.log").read_text() == "trained\n"
    assert result.images_seen == 3 * 6


def test_the_seed_of_a_sample_is_the_same_for_all_trials(tmp_path):
    command = 'sh -c "echo {seed} {images} {fraction} {device}; false"'
    results = []
    for images, lr in ((6, 1), (6, 2), (12, 1)):
        job = script_job(tmp_path, command=command, job={"params": {"lr": lr}})
        results.append(run_script(replace(job, sample=replace(job.sample, images=images))))
    same, other, above = (result.error.splitlines()[-1].split() for result in results)
    assert same == other
    assert same[0] != above[0]
    assert same[1:] == ["6", "0.5", "cpu"]


@pytest.mark.parametrize(
    ("source", "status", "error"),
    [
        ("print('bad lr'); raise SystemExit(3)", "failed", "exit code 3\nbad lr"),
        ("import os; os.kill(os.getpid(), 9)", "lost", "killed by SIGKILL; it printed nothing"),
        ("raise SystemExit(137)", "lost", "killed by SIGKILL"),
        ("raise MemoryError", "lost", "exit code 1\nTraceback"),
        ("print('no report')", "failed", "never reported the score val_miou; it reported no"),
        (TRAIN.replace('"val_miou": 1', '"val_miou": float("nan") + 1'), "diverged", "nan"),
        (TRAIN.replace("json.dumps(", "str("), "failed", "report.jsonl:1 is no JSON"),
    ],
)
def test_how_a_script_ends_is_how_its_job_ends(tmp_path, source, status, error):
    result = run_script(script_job(tmp_path, source))
    assert (result.status, result.score) == (status, None)
    assert error in result.error


def test_a_command_that_is_not_there_is_named(tmp_path):
    result = run_script(script_job(tmp_path, command="./nowhere {lr}"))
    assert (result.status, result.error) == ("failed", "./nowhere: No such file or directory")


def test_a_script_that_takes_too_long_fails_and_one_that_hangs_is_lost(tmp_path):
    sleeps = "import time; time.sleep(60)"
    slow = run_script(script_job(tmp_path, sleeps, timeout=0.2))
    assert (slow.status, slow.error[:28]) == ("failed", "took longer than training.ti")
    late = run_script(script_job(tmp_path, sleeps, job={"timeout_s": 0.2}))
    assert (late.status, late.error[:28]) == ("failed", "took longer than resources.t")
    hangs = run_script(script_job(tmp_path, sleeps, job={"stall_timeout_s": 0.2}))
    assert (hangs.status, hangs.error[:12]) == ("lost", "no report an")


def test_a_stop_ends_the_script(tmp_path):
    stopped = iter([False, True])
    result = run_script(
        script_job(tmp_path, "import time; time.sleep(60)"), stop=lambda: next(stopped)
    )
    assert result.status == "stopped"


def test_a_script_resumes_where_it_says_that_it_can(tmp_path):
    resuming = TRAIN.replace(
        "for epoch in range(1, epochs + 1):",
        "earlier = sys.argv[4]\n"
        "start = int(open(earlier + '/model.txt').read()) + 1 if earlier else 1\n"
        "for epoch in range(start, epochs + 1):\n"
        "    if epoch == 3 and not earlier: os.kill(os.getpid(), 9)",
    )
    command = "python train.py {lr} {epochs} {out} '{resume_from}'"
    first = run_script(script_job(tmp_path, resuming, command=command))
    assert (first.status, len(first.epochs)) == ("lost", 2)
    again = {"out": UPath(tmp_path / "again"), "resume_from": (UPath(tmp_path / "out"),)}
    second = run_script(script_job(tmp_path, resuming, command=command, job=again))
    assert (second.status, second.first_epoch) == ("complete", 3)
    assert [record.epoch for record in second.epochs] == [1, 2, 3]
    assert second.seconds > first.seconds


def test_a_function_gets_what_its_parameters_name(tmp_path):
    (tmp_path / "my_train.py").write_text(
        dedent("""
        import searchctl
        def train(lr, epochs, *, wd=0.5, train_list):
            images = len(open(train_list).readlines())
            searchctl.report_epoch(epoch=epochs, val_miou=lr * wd, images=images)
        """)
    )
    script = {"command": None, "function": "my_train:train"}
    result = run_script(script_job(tmp_path, **script))
    assert (result.status, result.score, result.images_seen) == ("complete", 0.25, 6), result.error


def test_counts_of_a_script_become_evidence(tmp_path):
    source = (
        "import numpy as np, searchctl, sys\n"
        "counts = np.array([[[8, 1, 1], [5, 1, 1]]] * 3)\n"
        "np.savez(sys.argv[3] + '/counts.npz', counts=counts)\n"
        "searchctl.report_epoch(1, val_miou=(0.8 + 5 / 7) / 2, counts='counts.npz')\n"
    )
    result = run_script(script_job(tmp_path, source))
    assert result.error is None
    assert result.evaluations["val"].miou == pytest.approx(result.score)
    assert result.image_counts.counts.shape == (3, 2, 3)


FAMILY = "(setsid sleep 300 &); sleep 300 & trap '' TERM; sleep 300"
"""A child in a session of its own, one in the script's group, and a script that ignores SIGTERM."""


def test_no_process_of_a_script_is_left_after_a_stop(tmp_path):
    mark = f"MARK={tmp_path}"
    environment = {**os.environ, "MARK": str(tmp_path)}
    command = ["bash", "-c", FAMILY]
    with ScriptProcess(
        command,
        directory=tmp_path,
        environment=environment,
        output=tmp_path / "log",
        grace_s=0.1,
    ):
        assert _until(lambda: len(marked(mark)) >= 4)
    assert _until(lambda: not marked(mark))


def test_no_process_of_a_script_is_left_after_its_driver_is_killed(tmp_path):
    mark = f"MARK={tmp_path}"
    driver = dedent(f"""
        import os, time
        from pathlib import Path
        from searchctl.trainer.script.process import ScriptProcess
        folder = Path({str(tmp_path)!r})
        ScriptProcess(["bash", "-c", {FAMILY!r}], directory=folder, grace_s=0.1,
                      environment={{**os.environ, "MARK": str(folder)}}, output=folder / "log")
        time.sleep(300)
    """)
    process = subprocess.Popen([sys.executable, "-c", driver])
    assert _until(lambda: len(marked(mark)) >= 4)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert _until(lambda: not marked(mark))


def _until(holds):
    deadline = time.monotonic() + 30
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True
