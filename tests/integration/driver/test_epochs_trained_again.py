"""Epochs that a lost attempt has reported, and that are trained again."""

import logging

import pytest

from searchctl.orchestrator.storage.reads import queries
from searchctl.trainer.core.results import EpochRecord, JobResult


def lost_once(quick_runner, *losses):
    """Run trial 2 twice: each attempt reports an epoch with one of these losses."""
    left = list(losses)

    def runner(job, on_epoch, stop):
        if (job.trial, job.rung) != (2, 0) or not left:
            return quick_runner(job, on_epoch, stop)
        on_epoch(EpochRecord(1, left.pop(0), 0.1, 8, 0.0))
        return JobResult("lost", None, error="the node was taken")

    return runner


@pytest.fixture(autouse=True)
def _retries_at_once(monkeypatch):
    monkeypatch.setattr("searchctl.orchestrator.driver.attempts.BACK_OFF_S", (0.0,))


def test_an_epoch_that_gives_other_numbers_is_an_error_that_names_it(sweeps, quick_runner, caplog):
    caplog.set_level(logging.ERROR)
    prepared, row = sweeps.launch(lost_once(quick_runner, 0.5, 0.25))
    assert row.state == "COMPLETE"
    found = [e.detail for e in queries.events(prepared.engine, row) if e.kind == "differs"]
    assert found[0] | {"trial": 2, "rung": 0, "epoch": 1} == found[0]
    assert (found[0]["field"], found[0]["before"], found[0]["now"]) == ("train_loss", 0.5, 0.25)
    assert "trial 2 rung 0: epoch 1 was trained again" in caplog.text


def test_an_epoch_that_gives_the_same_numbers_is_no_event(sweeps, quick_runner):
    prepared, row = sweeps.launch(lost_once(quick_runner, 0.5, 0.5))
    events = [e.detail for e in queries.events(prepared.engine, row) if e.kind == "differs"]
    assert not [e for e in events if e["before"] == e["now"] or e["now"] == 0.5]
