"""All trials and epochs of a sweep as tables: on the terminal, as CSV, as JSON, in pandas."""

import csv
import io
import json

import pytest
from click.testing import CliRunner

from searchctl import open_sweep
from searchctl.orchestrator.cli.main import cli
from searchctl.orchestrator.core.errors import SearchctlError
from searchctl.trainer.core import extras
from searchctl.trainer.core.results import JobResult

SOME = {
    "lr": [0.1, 0.01],
    "loss": ["cross_entropy", "focal"],
    "focal_gamma": {"values": [1.0, 2.5], "when": {"loss": "focal"}},
}
"""Six trials; only those with the focal loss have its option."""


@pytest.fixture
def table(sweeps, quick_runner):
    """List the trials of a sweep; trial 4 diverges."""

    def runner(job, on_epoch, stop):
        return JobResult("diverged", None) if job.trial == 4 else quick_runner(job, on_epoch, stop)

    sweeps.launch(runner, SOME)

    def run(*arguments):
        done = CliRunner().invoke(
            cli, ["trials", "quick", *arguments, "--db", sweeps.url], env={"COLUMNS": "200"}
        )
        assert done.exit_code == 0, done.output
        return done.output

    return run


@pytest.fixture
def stored(table, sweeps):
    return open_sweep("quick", db=sweeps.url)


def test_the_best_trial_is_first_and_a_trial_without_a_score_last(table):
    lines = [line.split() for line in table().splitlines()]
    assert lines[0][:7] == ["rank", "trial", "origin", "state", "rung", "images", "val_miou"]
    assert lines[1][:7] == ["1", "5", "grid", "COMPLETE", "2", "32", "0.8200"]
    assert lines[-1][:7] == ["-", "4", "grid", "FAIL", "-", "-", "-"]


def test_a_param_that_only_some_trials_have_is_a_column(table):
    header, *rows = table().splitlines()
    assert header.split()[-3:] == ["focal_gamma", "loss", "lr"]
    assert {(row.split()[-2], row.split()[-3]) for row in rows} == {
        ("cross_entropy", "-"),
        ("focal", "1"),
        ("focal", "2.5"),
    }


def test_csv_has_a_column_for_each_fact(table):
    rows = list(csv.DictReader(io.StringIO(table("--csv"))))
    best = rows[0]
    assert len(rows) == 6
    assert (best["trial"], best["params_focal_gamma"], best["val_loss"]) == ("5", "2.5", "0.5")
    assert (best["score_at_8"], best["score_at_32"]) == ("0.8", "0.8200000000000001")
    assert (best["seconds"], rows[-1]["seconds"], rows[-1]["score"]) == ("4.5", "0.0", "")


def test_json_has_the_jobs_of_each_trial(table):
    best, *_, last = json.loads(table("--json"))
    assert [(job["rung"], job["images"], job["state"]) for job in best["rungs"]] == [
        (0, 8, "COMPLETE"),
        (1, 16, "COMPLETE"),
        (2, 32, "COMPLETE"),
    ]
    assert (last["trial"], last["rank"], last["rungs"][0]["state"]) == (4, None, "DIVERGED")


def test_a_sweep_that_has_only_started_lists_its_trials(sweeps):
    sweeps.prepare(SOME)
    done = CliRunner().invoke(cli, ["trials", "quick", "--csv", "--db", sweeps.url])
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert [row["trial"] for row in rows] == list("012345")
    assert {row["state"] for row in rows} == {"WAITING"}


def test_trials_are_a_data_frame(stored):
    trials = stored.trials()
    assert list(trials.trial) == [5, 2, 1, 3, 0, 4]
    assert trials.score.iloc[0] == pytest.approx(0.82)
    assert str(trials["rank"].dtype) == "Int64"
    assert trials["rank"].isna().sum() == 1
    assert trials.groupby("params_loss").score.max()["focal"] == trials.score.max()


def test_epochs_of_all_jobs_are_a_data_frame(stored):
    epochs = stored.epochs()
    assert list(epochs.columns[:6]) == ["trial", "rung", "kind", "repeat", "images", "epoch"]
    assert len(epochs) == 5 + 3 + 2
    assert epochs[epochs.trial == 5].val_miou.tolist() == pytest.approx([0.8, 0.81, 0.82])


def test_without_pandas_the_error_names_the_extra(stored, monkeypatch):
    monkeypatch.setattr(extras, "find_spec", lambda name: None)
    with pytest.raises(SearchctlError, match=r"needs pandas: run `pip install 'searchctl\[pan"):
        stored.trials()


def test_csv_and_json_exclude_each_other(sweeps):
    done = CliRunner().invoke(cli, ["trials", "quick", "--csv", "--json"])
    assert done.exit_code == 2
