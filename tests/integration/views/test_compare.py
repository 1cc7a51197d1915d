"""Trials side by side: params that differ, scores by rung, classes, cost."""

import json
from dataclasses import replace

import pytest
from click.testing import CliRunner

from searchctl.orchestrator.cli.main import cli
from searchctl.orchestrator.storage.reads import queries
from searchctl.trainer.core.results import JobResult


@pytest.fixture
def compare(sweeps, quick_runner):
    """Compare trials of a sweep where trial 6 diverges, and the first class is the score."""

    def runner(job, on_epoch, stop):
        if job.trial == 6:
            return JobResult("diverged", None)
        result = quick_runner(job, on_epoch, stop)
        val = replace(result.evaluations["val"], class_iou=(result.score,))
        return replace(result, evaluations={"val": val})

    sweeps.launch(runner)

    def run(*arguments):
        return CliRunner().invoke(cli, ["compare", "quick", *arguments, "--db", sweeps.url])

    return run


def facts(compare, *arguments):
    return json.loads(compare(*arguments, "--json").output)


def test_trials_are_listed_in_the_given_order(compare):
    found = facts(compare, "5", "0", "5")
    assert found["trials"] == [5, 0]
    assert found["params"] == {"lr": [0.001, 0.1], "weight_decay": [0.1, 0]}


def test_scores_and_ranks_are_given_for_each_rung_that_one_of_them_reached(compare):
    first, second, third = facts(compare, "5", "4")["rungs"]
    ranks = [[job and (job["rank"], job["verdict"]) for job in r["jobs"]] for r in (first, second)]
    assert ranks == [[(1, "promoted"), (4, "promoted")], [(1, "promoted"), (4, "pruned")]]
    assert third["jobs"][1] is None
    assert (third["rung"], third["images"], third["fraction"]) == (2, 32, "1")


def test_classes_are_compared_at_the_highest_rung_that_all_have_reached(compare):
    stored = facts(compare, "5", "4")["class_iou"]
    assert stored["rung"] == 1
    assert next(iter(stored["classes"].values())) == [0.81, 0.51]


def test_the_time_of_a_trial_is_the_sum_over_its_jobs(compare, sweeps):
    cost = facts(compare, "5", "4", "6")["cost"]
    assert cost["seconds"] == [4.5, 3.0, 0.0]
    assert cost["images_seen"] == [8 + 16 + 32, 8 + 16, 0]
    assert cost["trainable_parameters"] == [7, 7, None]


def test_tables_name_differing_and_equal_settings(compare):
    lines = compare("5", "4", "6").output.splitlines()
    shown = [" ".join(line.split()) for line in lines]
    for line in (
        "params that differ trial 5 trial 4 trial 6",
        "state COMPLETE PRUNED FAIL",
        "lr 0.001 0.001 0.0001",
        "0 8 8 0.8000 #1 0.5000 #4 diverged",
        "1 16 4 0.8100 #1 0.5100 #4 pruned -",
        "2 32 2 0.8200 #1 - -",
        "time 4s 3s 0s",
    ):
        assert line in shown, line
    assert not any("IoU" in line for line in lines)


def test_two_trials_are_shown_with_their_difference(compare):
    lines = compare("5", "4").output.splitlines()
    assert "the same: lr=0.001" in lines
    assert "IoU at rung 1  trial 5  trial 4  difference" in lines
    assert any(line.endswith("0.8100   0.5100     -0.3000") for line in lines)


def test_one_trial_is_nothing_to_compare(compare):
    done = compare("5", "5")
    assert done.exit_code == 2
    assert "two different trials" in done.output


def test_a_sweep_that_has_not_started_is_compared_by_its_params(sweeps):
    prepared = sweeps.prepare()
    done = CliRunner().invoke(cli, ["compare", "quick", "0", "1", "--db", sweeps.url])
    assert done.exit_code == 0, done.output
    assert "weight_decay" in done.output
    assert queries.jobs(prepared.engine, prepared.row) == []
