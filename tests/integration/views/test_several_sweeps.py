"""Several sweeps of a database side by side: what they found, and what they hold and wait for."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from click.testing import CliRunner

from benchmarks.large_sweep import store_large_sweep
from searchctl.orchestrator.analysis.compared_sweeps import compare_sweeps
from searchctl.orchestrator.cli.main import cli
from searchctl.orchestrator.core.pending import Waiting
from searchctl.orchestrator.facts.running.usage import usage_of
from searchctl.orchestrator.storage.database import open_database
from searchctl.orchestrator.storage.reads.queries import find_sweep
from searchctl.orchestrator.storage.reads.usage import RunningJob, jobs_of_driven_sweeps
from searchctl.orchestrator.terminal.display import plain_table, show

SINCE = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    """A database with two finished sweeps, of 40 and of 60 trials."""
    url = f"sqlite:///{tmp_path_factory.mktemp('several')}/sweeps.db"
    engine = open_database(url, create=True)
    for trials, name in ((40, "small"), (60, "wide")):
        store_large_sweep(engine, trials, name)
    engine.dispose()
    return url


def command(url, *arguments):
    found = CliRunner().invoke(cli, [*arguments, "--db", url])
    assert found.exit_code == 0, found.output
    return found.output


def rows_of(url):
    engine = open_database(url)
    return engine, [find_sweep(engine, name) for name in ("small", "wide")]


def test_sweeps_are_compared_by_their_best_trials(url):
    found = json.loads(command(url, "compare", "small", "wide", "--json"))
    assert [each["name"] for each in found["sweeps"]] == ["small", "wide"]
    assert [each["on_all"] for each in found["sweeps"]] == [True, True]
    assert found["incomparable"] == []
    assert found["settings"] == {"search.trials": [40, 60]}
    (lead,) = found["leads"]
    scores = {each["name"]: each["score"] for each in found["sweeps"]}
    assert scores[lead["better"]] - scores[lead["other"]] == pytest.approx(lead["gain"])
    assert lead["shown"] is None  # no seed was repeated
    text = command(url, "compare", "small", "wide")
    assert "whether that is more than the noise of the seed is not known" in text.replace("\n", " ")


def test_what_makes_scores_incomparable_is_named(url):
    engine, (one, other) = rows_of(url)
    spec = {**other.spec, "data": {**other.spec["data"], "image_size": [64, 64]}}
    spec["halving"] = {**spec["halving"], "score": "val_loss"}
    found = compare_sweeps(engine, [one, replace(other, spec=spec, data_fingerprint="0")])
    assert {"halving.score", "the files of the data set", "data.image_size"} <= {
        *found.incomparable
    }
    assert found.leads == []


def test_numbers_are_trials_of_the_first_sweep(url):
    assert "params that differ" in command(url, "compare", "small", "3", "5")


def test_two_sweeps_are_needed(url):
    found = CliRunner().invoke(cli, ["compare", "small", "small", "--db", url])
    assert found.exit_code == 2
    assert "name two different sweeps" in found.output


def test_an_unfinished_sweep_shows_what_it_holds_and_waits_for(url):
    _, (one, other) = rows_of(url)
    one_gpu = {"CPU": 1.0, "GPU": 1.0}
    waiting = Waiting(2, one_gpu, {"CPU": 5, "GPU": 0}, {"CPU": 8, "GPU": 2}, 1, SINCE.isoformat())
    driven = replace(one, state="RUNNING", driver="host:1", waiting=waiting.to_json())
    jobs = [RunningJob("small", f"node-{n}:{n}", 1.0, SINCE) for n in (1, 2)]
    (usage,) = usage_of([driven, other], jobs)
    assert (usage.jobs, usage.gpus, usage.cpus, usage.nodes) == (2, 2.0, 2, ["node-1", "node-2"])
    assert usage.waits == (
        "2 jobs wait for 1 CPU and 1 GPU each: 2 of 2 GPUs are in use, by small (2 jobs)"
    )
    assert usage.waits_since == SINCE.isoformat()


def test_finished_sweeps_hold_nothing(url):
    engine, _ = rows_of(url)
    assert jobs_of_driven_sweeps(engine) == []
    assert command(url, "status", "--all") == "No sweep of this database is unfinished.\n"
    assert json.loads(command(url, "status", "--all", "--json")) == []


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("status",), "name a sweep, or give --all"),
        (("status", "small", "--all"), "SWEEP and --all exclude each other"),
    ],
)
def test_status_needs_either_a_sweep_or_all(url, arguments, problem):
    found = CliRunner().invoke(cli, [*arguments, "--db", url])
    assert found.exit_code == 2
    assert problem in found.output


def test_a_stopped_sweep_is_unfinished(url):
    _, (one, other) = rows_of(url)
    (usage,) = usage_of([replace(one, state="STOPPED"), other], [])
    assert (usage.sweep, usage.state, usage.jobs) == ("small", "STOPPED", 0)


def test_names_in_the_first_column_are_never_broken(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    table = plain_table("setting", *("a-sweep-of-some-length",) * 2, left=["setting"])
    table.add_row("halving.limits.latency_ms", *("a text that can be folded",) * 2)
    show(table)
    assert "halving.limits.latency_ms" in capsys.readouterr().out
