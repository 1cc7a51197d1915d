"""Warnings on rungs whose scores are less comparable than they look."""

import logging
from dataclasses import replace

from searchctl.orchestrator.facts.rung_warnings import other_hardware, warnings_of
from searchctl.orchestrator.report.gathering import gather
from searchctl.orchestrator.storage.reads import queries
from tests.stored_sweeps import counts

FOUR = {"lr": [0.1, 0.01, 0.001, 0.0001]}


def test_a_rung_on_two_kinds_of_hardware_and_a_resume_on_another_are_warned_of(
    sweeps, quick_runner, caplog
):
    def runner(job, on_epoch, stop):
        kind = f"CPU of kind {job.trial % 2}"
        return replace(quick_runner(job, on_epoch, stop), hardware=kind)

    with caplog.at_level(logging.WARNING, "searchctl"):
        prepared, row = sweeps.launch(runner, FOUR)
    (at_first, *_) = warnings_of(prepared.engine, row, queries.jobs(prepared.engine, row))
    assert "rung 0 was trained on 2 kinds of hardware: CPU of kind 0 (2 jobs)" in at_first
    assert at_first in caplog.text
    assert other_hardware(prepared.engine, row, "CPU of kind 1") is None
    assert "continues on another CPU" in other_hardware(prepared.engine, row, "another CPU")


def test_trials_with_equal_losses_on_every_image_are_named_at_the_cut_and_in_the_report(
    sweeps, quick_runner, caplog
):
    def runner(job, on_epoch, stop):
        given = quick_runner(job, on_epoch, stop)
        losses = counts().loss_sums + (job.trial == 3)
        seen = replace(counts(), loss_sums=losses)
        return replace(given, score=0.5, image_counts=seen)

    with caplog.at_level(logging.WARNING, "searchctl"):
        prepared, _ = sweeps.launch(runner, FOUR)
    row = queries.find_sweep(prepared.engine, "quick")
    (at_first, *_) = warned = warnings_of(prepared.engine, row, queries.jobs(prepared.engine, row))
    assert "rung 0: trials with equal scores on every validation image: 0 = 1 = 2." in at_first
    assert at_first in caplog.text
    assert gather(prepared.engine, row).about.warnings == tuple(warned)
