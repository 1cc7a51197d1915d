"""Hooks: commands that run at events of a sweep and cannot harm it."""

import json
import logging
import time

import pytest

from searchctl.orchestrator.callbacks.hooks import run_command
from searchctl.orchestrator.core.errors import SweepBlocked, SweepFailed
from searchctl.orchestrator.executors.inline import InlineExecutor
from searchctl.orchestrator.run.launch import run
from searchctl.orchestrator.storage.reads import queries
from searchctl.orchestrator.storage.reads.changes import ChangeFeed, SweepEvent
from searchctl.trainer.core.results import JobResult

NAMES = ("rung_closed", "sweep_finished", "sweep_stopped", "sweep_failed")


@pytest.fixture
def received(tmp_path):
    """Hooks that write their input to a file, and a function that reads it."""
    file = tmp_path / "received.jsonl"
    hooks = {name: f"cat >> {file}; echo >> {file}" for name in NAMES}

    def read():
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []

    return hooks, read


def events(prepared):
    news = ChangeFeed(prepared.engine, queries.find_sweep(prepared.engine, prepared.sweep.name))
    return [
        (each.detail["hook"], each.detail["outcome"])
        for each in news.read()
        if isinstance(each, SweepEvent) and each.kind == "hook"
    ]


def test_every_rung_and_the_end_are_reported_in_order(sweeps, received):
    hooks, read = received
    prepared, _ = sweeps.launch(hooks=hooks)
    assert [(each["event"], each.get("rung")) for each in read()] == [
        ("rung_closed", 0),
        ("rung_closed", 1),
        ("rung_closed", 2),
        ("sweep_finished", None),
    ]
    assert events(prepared) == [(each["event"], "is done") for each in read()]


def test_a_rung_is_reported_with_its_best_trial_and_all_decisions(sweeps, received):
    hooks, read = received
    sweeps.launch(hooks=hooks)
    first = read()[0]
    at = first.pop("at")
    assert at.endswith("+00:00")
    assert first == {
        "event": "rung_closed",
        "sweep": "quick",
        "score": "val_miou",
        "rung": 0,
        "trials": 8,
        "kept": 4,
        "best": {"trial": 5, "score": 0.8, "params": {"lr": 0.001, "weight_decay": 0.1}},
        "verdicts": {"promoted": [5, 2, 7, 4], "pruned": [1, 6, 3, 0]},
    }


def test_the_end_is_reported_with_the_best_trials(sweeps, received):
    hooks, read = received
    sweeps.launch(hooks=hooks)
    best = read()[-1]["best"]
    assert [(each["rank"], each["trial"]) for each in best[:2]] == [(1, 5), (2, 2)]
    assert best[0]["score"] == pytest.approx(0.82)


def all_diverge(job, on_epoch, stop):
    return JobResult("diverged", None)


def unusable(job, on_epoch, stop):
    return JobResult("unusable", None, error="the mask of image 7 is broken")


@pytest.mark.parametrize(
    ("runner", "kind", "words"),
    [(all_diverge, SweepFailed, "none of 8 trials"), (unusable, SweepBlocked, "image 7")],
)
def test_a_sweep_that_fails_is_reported_with_its_error(runner, kind, words, sweeps, received):
    hooks, read = received
    with pytest.raises(kind):
        sweeps.launch(runner, hooks=hooks)
    assert read()[-1]["event"] == "sweep_failed"
    assert words in read()[-1]["error"]


def test_an_error_that_is_not_ours_is_reported_by_its_kind_alone(sweeps, received):
    class Broken(InlineExecutor):
        def run(self, source, stop):
            raise ValueError("postgresql://me:secret@host/db")

    hooks, read = received
    with pytest.raises(ValueError, match="secret"):
        sweeps.launch(executor=Broken(), hooks=hooks)
    assert read()[-1]["error"] == "ValueError"


def test_a_sweep_that_is_stopped_is_reported_with_the_reason(sweeps, received, quick_runner):
    hooks, read = received
    prepared = sweeps.prepare(hooks=hooks)
    row = run(prepared, executor=InlineExecutor(quick_runner), stopping=lambda: "received SIGTERM")
    assert row.state == "STOPPED"
    (only,) = read()
    assert (only["event"], only["reason"]) == ("sweep_stopped", row.error)


def test_no_event_is_reported_twice(sweeps, received):
    hooks, read = received
    sweeps.launch(hooks=hooks)
    before = read()
    sweeps.resume()
    assert read() == before


def test_facts_hold_no_paths_and_no_secrets(sweeps, received, monkeypatch):
    monkeypatch.setenv("SECRET", "hunter2")
    hooks, read = received
    storage = {"url": "postgresql://me:${SECRET}@host/db", "runs": str(sweeps.folder / "runs")}
    sweeps.launch(hooks=hooks, storage=storage)
    facts = json.dumps(read())
    assert len(read()) == 4
    for secret in ("hunter2", "SECRET", "postgresql", str(sweeps.folder)):
        assert secret not in facts


@pytest.mark.parametrize(
    ("command", "outcome", "logged"),
    [
        ("exit 3", "ended with exit code 3", "exit code 3"),
        (
            "echo 'no route to secret-host' >&2; exit 1",
            "ended with exit code 1",
            "no route to secret-host",
        ),
        ("no-such-command-at-all", "ended with exit code 127", "not found"),
        ("sleep 60", "was killed after 0.2 s", "killed after"),
        ("trap '' TERM INT; sleep 60 & wait", "was killed after 0.2 s", "killed after"),
        ("exec 0<&-; true", "is done", ""),
    ],
)
def test_a_hook_that_fails_is_logged_and_recorded_and_harms_nothing(
    command, outcome, logged, sweeps, caplog
):
    hooks = {"rung_closed": command, "timeout": 0.2}
    with caplog.at_level(logging.WARNING, logger="searchctl"):
        prepared, row = sweeps.launch(hooks=hooks)
    assert row.state == "COMPLETE"
    assert events(prepared) == [("rung_closed", outcome)] * 3
    assert logged in caplog.text
    assert "secret-host" not in str(queries.events(prepared.engine, row))


def test_no_job_waits_for_a_hook(sweeps, quick_runner):
    moments = []

    def timed(job, on_epoch, stop):
        moments.append(time.monotonic())
        return quick_runner(job, on_epoch, stop)

    prepared, _ = sweeps.launch(timed, hooks={"rung_closed": "sleep 2"})
    assert len(moments) == 14
    assert moments[-1] - moments[0] < 4
    assert events(prepared) == [("rung_closed", "is done")] * 3  # the end waited for them


def test_a_process_that_a_hook_leaves_behind_is_not_waited_for():
    began = time.monotonic()
    assert run_command("sleep 5 & true", "{}", 30) == "is done"
    assert time.monotonic() - began < 4


def test_facts_of_any_length_are_handed_over(tmp_path):
    facts = json.dumps(list(range(200_000)))
    assert run_command(f"cat > {tmp_path}/facts", facts, 30) == "is done"
    assert (tmp_path / "facts").read_text() == facts
    assert run_command("true", facts, 30) == "is done"


def test_hooks_may_change_when_a_sweep_is_resumed(sweeps, received):
    hooks, _ = received
    assert sweeps.sweep(hooks=hooks).spec_hash == sweeps.sweep().spec_hash
