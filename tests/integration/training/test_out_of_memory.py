"""Sweeps whose networks run out of memory with large batches, trained for real in one process."""

import os
import signal

import pytest

from searchctl.orchestrator.artifacts.export import export
from searchctl.orchestrator.config.load import load_sweep
from searchctl.orchestrator.executors.inline import InlineExecutor
from searchctl.orchestrator.facts.ranking import rank_trials
from searchctl.orchestrator.report.gathering import gather
from searchctl.orchestrator.run.launch import run
from searchctl.orchestrator.run.preparation.prepare import prepare
from searchctl.orchestrator.run.resume import prepare_resume
from searchctl.orchestrator.storage.reads import queries
from searchctl.trainer.own_code.imports import use_code
from tests.processes.killed_jobs import exit_code

NETWORK = """\
import os
import signal

import torch
from torch import nn

passes = 0


class Narrow(nn.Module):
    '''Runs out of memory with more than four images; ends its process where the test wants it.'''

    def __init__(self, classes, norm=False):
        super().__init__()
        norms = [nn.BatchNorm2d(4)] if norm else []
        self.body = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), *norms, nn.Conv2d(4, classes, 1))

    def forward(self, images):
        global passes
        if len(images) > 4:
            raise torch.OutOfMemoryError('CUDA out of memory. Tried to allocate 9 GiB')
        if self.training and 'DIES_AT_PASS' in os.environ:
            passes += 1
            if passes == int(os.environ['DIES_AT_PASS']):
                os.kill(os.getpid(), signal.SIGKILL)
        return self.body(images)
"""
SWEEP = """\
name: {name}
seed: 3
data: {{dataset: scenes, image_size: [24, 32], native_size: [24, 32], train: 16, val: 4, test: 2}}
training: {{model: "narrow:Narrow", epochs: 2, threads: 1, batch_size: 4}}
space: {{points: {points}}}
halving: {{finalists: 1}}
report: {{images: 0}}
resources: {{checkpoint_every: 0, on_oom: {on_oom}}}
storage: {{runs: {folder}/runs}}
"""
SHRUNK = {"batch_size": 4, "accumulate": 2}
NORM = "{batch_size: 8, model_args: {norm: true}}"
POINTS = f"[{{}}, {{batch_size: 8}}, {NORM}]"
"""A batch that fits, one that does not, and one that does not and has BatchNorm."""


def prepared(folder, name="narrow", points=POINTS, on_oom="auto"):
    (folder / "narrow.py").write_text(NETWORK)
    file = folder / f"{name}.yaml"
    file.write_text(SWEEP.format(name=name, points=points, on_oom=on_oom, folder=folder))
    return prepare(load_sweep(file), f"sqlite:///{folder}/sweeps.db", file, inline=True)


def launch(*arguments, **sections):
    sweep = prepared(*arguments, **sections)
    try:
        run(sweep, executor=InlineExecutor())
    finally:
        use_code(None)
    return sweep


def launch_until_killed(folder):
    sweep = prepared(folder)
    os.environ["DIES_AT_PASS"] = "7"  # trial 0 takes 4 passes; trial 1 dies in its second epoch
    run(sweep, executor=InlineExecutor())


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("undisturbed")
    return folder, launch(folder)


def jobs(sweep):
    return {(job.trial, job.rung): job for job in queries.jobs(sweep.engine, sweep.row)}


def outcomes(sweep, trial):
    rows = queries.attempts(sweep.engine, sweep.row, trial)
    return [row.outcome for row in rows if row.rung == 0]


def numbers(sweep):
    """All that must repeat."""
    trained = {
        key: (job.state, job.score, job.kept_epoch, job.batch, job.evaluations)
        for key, job in jobs(sweep).items()
    }
    epochs = [
        [(row.rung, row.epoch, row.train_loss, row.val_loss) for row in rows]
        for rows in (queries.epochs(sweep.engine, sweep.row, trial) for trial in (0, 1))
    ]
    return trained, epochs, queries.decisions(sweep.engine, sweep.row)


def test_a_batch_that_does_not_fit_is_halved_and_stored_with_the_job(undisturbed):
    _, sweep = undisturbed
    assert [jobs(sweep)[trial, 0].batch for trial in (0, 1)] == [None, SHRUNK]
    assert outcomes(sweep, 1) == ["out_of_memory", "complete"]
    first, *_ = queries.attempts(sweep.engine, sweep.row, 1)
    assert "batch_size 8 and accumulate 1: it is tried again with batch_size 4" in first.error


def test_the_actual_batch_is_in_the_decision_the_report_and_the_exported_configuration(undisturbed):
    _, sweep = undisturbed
    reasons = {(d.trial, d.rung): d.reason for d in queries.decisions(sweep.engine, sweep.row)}
    assert "trained with batch_size 4 and accumulate 2, after it ran out" in reasons[1, 0]
    assert "ran out" not in reasons[0, 0]
    warnings = gather(sweep.engine, sweep.row).about.warnings
    assert any("trial 1 with batch_size 4 and accumulate 2" in each for each in warnings)
    ranked = {each.trial: each for each in rank_trials(sweep.engine, sweep.row, 2)}
    assert export(sweep.sweep, ranked[1], sweep.initial).training.accumulate == 2


def test_a_network_with_batch_norm_fails_and_its_message_names_the_batch(undisturbed):
    _, sweep = undisturbed
    failed = jobs(sweep)[2, 0]
    assert (failed.state, failed.batch) == ("FAIL", None)
    assert "out of memory with batch_size 8 and accumulate 1: its network has" in failed.error
    assert "Tried to allocate 9 GiB" in failed.error


@pytest.mark.exhaustive
def test_a_sweep_that_is_killed_after_a_batch_was_halved_ends_with_the_same_numbers(
    undisturbed, tmp_path
):
    assert exit_code(launch_until_killed, tmp_path) == -signal.SIGKILL
    resumed = prepare_resume("narrow", f"sqlite:///{tmp_path}/sweeps.db", inline=True)
    assert jobs(resumed)[1, 0].batch == SHRUNK
    assert run(resumed, executor=InlineExecutor()).state == "COMPLETE"
    use_code(None)
    assert outcomes(resumed, 1) == ["out_of_memory", "stopped", "complete"]
    assert numbers(resumed) == numbers(undisturbed[1])


@pytest.mark.exhaustive
def test_a_job_with_half_of_the_batch_is_the_job_that_has_this_batch_by_its_settings(undisturbed):
    folder, sweep = undisturbed
    again = launch(folder, "as-shrunk", "[{}, {accumulate: 2}]")
    same = jobs(again)[1, 0]
    assert (same.reused_from["trial"], same.score) == (1, jobs(sweep)[1, 0].score)


@pytest.mark.exhaustive
def test_a_network_with_batch_norm_is_trained_with_half_of_the_batch_on_request(tmp_path):
    sweep = launch(tmp_path, points=f"[{{}}, {NORM}]", on_oom="shrink")
    job = jobs(sweep)[1, 0]
    assert (job.state, job.batch) == ("COMPLETE", SHRUNK)
