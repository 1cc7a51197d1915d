"""Sweeps with `halving.limits`: what is measured once, and what all views make of it."""

import json
from dataclasses import replace

import pytest
import torch
from click.testing import CliRunner

from searchctl.orchestrator.analysis.verification.evidence import read_record
from searchctl.orchestrator.analysis.verification.verify import verify
from searchctl.orchestrator.artifacts.export import export
from searchctl.orchestrator.artifacts.initial_files import InitialFiles
from searchctl.orchestrator.cli.main import cli
from searchctl.orchestrator.config.load import load_sweep
from searchctl.orchestrator.config.parsing.problems import SweepError
from searchctl.orchestrator.config.sweep import Sweep
from searchctl.orchestrator.facts.ranking import rank_trials
from searchctl.orchestrator.facts.sweeps import rung_line
from searchctl.orchestrator.report.charts.ladder import ladder_chart
from searchctl.orchestrator.report.gathering import gather
from searchctl.orchestrator.report.rendering import html
from searchctl.orchestrator.storage.measurements import read_measurements
from searchctl.orchestrator.storage.reads import queries
from searchctl.trainer.core.machine.hardware import hardware_of
from searchctl.trainer.settings.inference import Inference

SPACE = {"lr": [0.1, 0.01, 0.001, 0.0001], "width": [4, 8]}
"""Of each learning rate, a small network and a large one: trials 1, 3, 5, 7 are large."""
HERE = hardware_of(torch.device("cpu"))
LIMITS = {"halving": {"limits": {"latency_ms": 20}}}
TRAINING = {"training": {"batch_size": 2, "epochs": 1, "model": "unet"}}


@pytest.fixture
def limited(sweeps, quick_runner):
    """Launch sweeps whose large networks take 31 ms, and the others 5; a job takes a while longer.

    `measured` has the trials whose latency was measured.
    """

    class Limited:
        def __init__(self):
            self.measured = []

        def runner(self, job, on_epoch, stop):
            result = replace(quick_runner(job, on_epoch, stop), hardware=HERE)
            if job.latency_known_on is None or HERE in job.latency_known_on:
                return result
            self.measured.append(job.trial)
            slow = job.params["width"] == 8
            return replace(result, limit_latency_ms=(31 if slow else 5) + job.trial / 100)

        def launch(self, space=SPACE, **sections):
            prepared, row = sweeps.launch(self.runner, space, **{**LIMITS, **TRAINING, **sections})
            return prepared.engine, row

    return Limited()


@pytest.fixture
def output_of(sweeps):
    def run(*arguments):
        command = [arguments[0], "quick", *arguments[1:], "--db", sweeps.url]
        result = CliRunner(env={"COLUMNS": "200"}).invoke(cli, command, catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.output

    return run


def problems(engine, row):
    return [
        each
        for each in verify(read_record(engine, row))
        if each.what in ("exceeded limits", "rank", "verdict", "reason", "winner")
    ]


def test_each_network_is_measured_once_and_the_slow_one_is_ranked_below_all_others(limited):
    engine, row = limited.launch()
    assert limited.measured == [0, 1]
    stored = read_measurements(engine, row)
    assert [(each.value, each.trial, each.hardware) for each in stored] == [
        (5.0, 0, HERE),
        (31.01, 1, HERE),
    ]
    first = {d.trial: d for d in queries.decisions(engine, row) if d.rung == 0}
    assert [first[trial].verdict for trial in range(8)] == ["promoted", "pruned"] * 4
    assert {first[trial].violation for trial in (1, 3, 5, 7)} == {"latency 31 ms > 20 ms"}
    assert [each.trial % 2 for each in rank_trials(engine, row)] == [0, 0, 0, 0, 1, 1, 1, 1]
    assert problems(engine, row) == []


def test_views_name_the_limit_and_what_exceeds_it(limited, output_of):
    limited.launch()
    assert "ranked below all within the limits: latency 31 ms > 20 ms" in output_of("explain", "5")
    assert "latency 31 ms > 20 ms" in output_of("show", "5")
    assert "exceeds" in output_of("trials")
    rows = json.loads(output_of("trials", "--json"))
    rows = {each["trial"]: each["violation"] for each in rows}
    assert (rows[5], rows[2]) == ("latency 31 ms > 20 ms", None)
    report = output_of("report", "--format", "md")
    assert report.count("Ranked below those within halving.limits: ") == 1
    assert "5 (latency 31 ms > 20 ms)" in report
    assert "warning" not in output_of("export")
    assert "Trial 5 exceeds halving.limits: latency 31 ms > 20 ms." in output_of(
        "export", "--trial", "5"
    )


def test_a_winner_beyond_the_limits_is_said_to_be_one(limited, output_of):
    only_large = {"lr": SPACE["lr"], "width": [8]}
    engine, row = limited.launch(only_large)
    best = rank_trials(engine, row)[0]
    assert best.violation == "latency 31 ms > 20 ms"
    said = f"Trial {best.trial} exceeds halving.limits: latency 31 ms > 20 ms."
    assert f"warning: {said}" in output_of("export")
    assert "exceeds" in output_of("status")
    assert f"{said} No finalist is within the limits" in output_of("report", "--format", "md")
    exported = export(Sweep.from_json(row.spec), best, InitialFiles.stored(None, row))
    assert exported.exported_from.exceeds == "latency 31 ms > 20 ms"
    assert problems(engine, row) == []
    for command in (["pareto"], ["explain"], ["status"]):
        assert said in " ".join(output_of(*command).split()), command
    assert "latency 31 ms > 20 ms" in output_of("compare", "0", "1")
    limited.launch({**only_large, "lr": SPACE["lr"][:2]}, name="other")
    assert "latency 31 ms > 20 ms" in output_of("compare", "other")


def test_views_show_what_a_limit_judges_by(limited, output_of):
    limited.launch()
    assert "measured for halving.limits: latency 31 ms (limit 20 ms)" in output_of("show", "5")
    rows = {each["trial"]: each["measured"] for each in json.loads(output_of("trials", "--json"))}
    assert (rows[2], rows[5]) == ({"latency_ms": 5.0}, {"latency_ms": 31.01})
    assert "limit_latency_ms" in output_of("trials", "--csv").splitlines()[0]
    report = output_of("report", "--format", "md")
    assert "ms/image: the latency that halving.limits judges" in report
    assert report.count("| 7 | 31 |") == report.count("| 7 | 5 |") == 4


def test_best_of_a_rung_is_the_best_within_the_limits(limited, output_of):
    engine, row = limited.launch()
    first = [d for d in queries.decisions(engine, row) if d.rung == 0]
    best = min(first, key=lambda d: d.rank)
    assert max(d.score for d in first) > best.score
    assert f"best within limits {best.score:.4f} (trial {best.trial})" in rung_line(
        sorted(first, key=lambda d: d.rank)
    )
    facts = json.loads(output_of("report", "--format", "json"))
    assert facts["ladder"][0]["best"] == best.score


def test_it_holds_over_cohorts_and_for_the_mean_over_seeds(limited):
    halving = {"limits": {"latency_ms": 20}, "repeats": 2, "choose": "mean", "audit": 2}
    search = {"method": "random", "trials": [4, 4], "lag": 1}
    space = {"lr": {"low": 0.001, "high": 0.1, "log": True}, "width": [4, 8]}
    engine, row = limited.launch(space, halving=halving, search=search)
    assert len(limited.measured) == 2  # the second cohort knows both networks
    report = gather(engine, row)
    assert "The picture shows all cohorts" in html(report)
    lines = ladder_chart(report, "mIoU", width=1000, height=400).lines
    assert {line.trial for line in lines} == set(range(8))
    ranked = rank_trials(engine, row)
    last = [each for each in ranked if each.images == ranked[0].images]
    assert [bool(each.violation) for each in last] == sorted(bool(e.violation) for e in last)
    assert not ranked[0].violation
    assert problems(engine, row) == []


def test_a_changed_measurement_or_violation_is_found(limited, sqlite_run):
    engine, row = limited.launch()
    sqlite_run("UPDATE searchctl_measurements SET value = 10 WHERE trial = 1")
    found = {(each.trial, each.rung) for each in problems(engine, row)}
    assert found == {(1, 0), (3, 0), (5, 0), (7, 0)}
    sqlite_run("UPDATE searchctl_measurements SET value = 31.01 WHERE trial = 1")
    sqlite_run("UPDATE searchctl_decisions SET violation = '' WHERE trial_id = 6 AND rung = 0")
    assert {each.what for each in problems(engine, row)} >= {"exceeded limits", "verdict"}


def test_a_resume_takes_the_stored_measurements(limited, sweeps):
    def dies_at_trial_5(job, on_epoch, stop):
        if job.trial == 5:
            raise KeyboardInterrupt
        return limited.runner(job, on_epoch, stop)

    with pytest.raises(KeyboardInterrupt):
        sweeps.launch(dies_at_trial_5, SPACE, **LIMITS, **TRAINING)
    assert limited.measured == [0, 1]
    prepared, row = sweeps.resume(limited.runner)
    assert limited.measured == [0, 1]
    assert problems(prepared.engine, row) == []
    assert not rank_trials(prepared.engine, row)[0].violation


def test_a_sweep_of_the_same_jobs_takes_over_what_was_measured(limited):
    no_files = {"report": {"images": 0}}
    limited.launch(**no_files)
    engine, row = limited.launch(name="again", **no_files)
    assert limited.measured == [0, 1]
    assert [each.value for each in read_measurements(engine, row)] == [5.0, 31.01]


def test_memory_is_that_of_the_first_job_of_its_settings(sweeps, quick_runner):
    def runner(job, on_epoch, stop):
        peak = round(1e9 * (job.params["batch_size"] + job.trial / 10))
        result = quick_runner(job, on_epoch, stop)
        return replace(result, hardware="cpu", peak_memory_bytes=peak)

    space = {"lr": [0.1, 0.01], "batch_size": [2, 4]}
    halving = {"limits": {"memory_gb": 3}, "finalists": 1}
    prepared, row = sweeps.launch(runner, space, halving=halving)
    stored = read_measurements(prepared.engine, row)
    assert [(each.value, each.trial) for each in stored] == [(2.0, 0), (4.1, 1)]
    assert [each.violation for each in rank_trials(prepared.engine, row)] == [
        "",
        "",
        "memory 4.1 GB > 3 GB",
        "memory 4.1 GB > 3 GB",
    ]


def test_a_job_measures_the_latency_where_it_is_not_known_as_images_will_be_predicted(run):
    windows = Inference(mode="sliding_window", overlap=0.5, flip=True)
    usual = run(latency_known_on=()).limit_latency_ms
    original = run(latency_known_on=("another",), inference=windows).limit_latency_ms
    assert 0 < usual < original
    assert run().limit_latency_ms is None
    assert run(latency_known_on=(HERE,)).limit_latency_ms is None


def test_networks_of_a_script_cannot_have_limits(tmp_path):
    (tmp_path / "sweep.yaml").write_text(
        "name: a\ndata: {dataset: scenes}\n"
        "training: {command: 'python t.py {lr} {epochs} {out}', epochs: 2}\n"
        "space: {lr: [0.1, 0.2]}\nhalving:\n  score: acc\n  direction: max\n"
        "  limits: {latency_ms: 20}\n"
    )
    problem = r"sweep.yaml:8 halving.limits: leave it out: the network of a script"
    with pytest.raises(SweepError, match=problem):
        load_sweep(tmp_path / "sweep.yaml")


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ("{latency_ms: 0}", "latency_ms: must be above 0, not 0"),
        ("{latency: 20}", "unknown key 'latency'"),
        ("{}", "limits nothing"),
    ],
)
def test_bad_limits_are_named_with_their_line(tmp_path, limits, message):
    (tmp_path / "sweep.yaml").write_text(
        "name: a\ndata: {dataset: scenes}\nspace: {lr: [0.1, 0.2]}\n"
        f"halving:\n  limits: {limits}\n"
    )
    with pytest.raises(SweepError, match=r"sweep.yaml:5 halving\.limits.*" + message):
        load_sweep(tmp_path / "sweep.yaml")


def test_plan_shows_the_limits(tmp_path):
    (tmp_path / "sweep.yaml").write_text(
        "name: a\ndata: {dataset: scenes}\nspace: {lr: [0.1, 0.2]}\n"
        "halving: {limits: {latency_ms: 20, memory_gb: 10}}\n"
    )
    result = CliRunner().invoke(cli, ["plan", str(tmp_path / "sweep.yaml")])
    assert "Limits: latency 20 ms, memory 10 GB." in result.output
