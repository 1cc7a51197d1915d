"""Warnings on rungs whose scores are less comparable than they look."""

import logging
from dataclasses import replace

from searchctl.orchestrator.facts.rung_warnings import other_hardware, warnings_of
from searchctl.orchestrator.report.charts.ladder import ladder_chart
from searchctl.orchestrator.report.gathering import gather
from searchctl.orchestrator.storage.reads import queries
from tests.sweeps.stored_sweeps import counts

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


COHORTS = {
    "space": {"lr": {"low": 1e-4, "high": 1e-1, "log": True}},
    "search": {"method": "random", "trials": [2, 8], "lag": 1},
    "halving": {"finalists": 1},
}


def test_with_several_cohorts_a_warning_names_the_cohort_and_ranks_no_trials_of_two(
    sweeps, quick_runner
):
    def runner(job, on_epoch, stop):
        kind = "a CPU" if job.trial in (0, 1, 2) else "another CPU"
        return replace(quick_runner(job, on_epoch, stop), hardware=kind)

    prepared, row = sweeps.launch(runner, **COHORTS)
    warned = warnings_of(prepared.engine, row, queries.jobs(prepared.engine, row))
    hardware = [line for line in warned if "kinds of hardware" in line]
    assert [line.split(" was")[0] for line in hardware if line.startswith("rung 0")] == []
    assert "rung 1/0 was trained on 2 kinds of hardware: another CPU (7 jobs)" in hardware[0]


def test_the_ladder_picture_has_the_rungs_of_all_cohorts(sweeps, quick_runner):
    prepared, row = sweeps.launch(quick_runner, **COHORTS)
    report = gather(prepared.engine, row)
    chart = ladder_chart(report, "mIoU", width=1120, height=470)
    images = {rung.images for rung in report.ladder}
    assert len(report.ladder) > len(images) == len(chart.columns)
    assert {line.trial for line in chart.lines} == set(range(10))
    assert chart.columns[-1].subtitle == "2 trials"  # a finalist of each cohort
