"""Allowed and refused changes between a launch and a resume."""

import shutil
from dataclasses import replace
from functools import partial

import pytest
from sqlalchemy import text

from searchctl.orchestrator.cli.drive.driving import drive
from searchctl.orchestrator.config.load import load_sweep
from searchctl.orchestrator.core.errors import SearchctlError, SweepChanged, SweepExists
from searchctl.orchestrator.core.signals import StopSwitch
from searchctl.orchestrator.executors import inline
from searchctl.orchestrator.executors.inline import InlineExecutor
from searchctl.orchestrator.run.launch import run
from searchctl.orchestrator.run.preparation.prepare import prepare
from searchctl.orchestrator.run.resume import prepare_resume
from searchctl.orchestrator.storage.reads import queries
from tests.jobs.unlucky import Died, dies_at
from tests.processes.in_process import searchctl

TEXT = """\
name: quick
data: {dataset: scenes, train: 16, val: 2, test: 2}
training: {epochs: 2, batch_size: 2}
space: {lr: [0.1, 0.01, 0.001, 0.0001]}
"""


@pytest.fixture
def launched(sweeps, monkeypatch):
    """A sweep that was stored from a file and not started; the file may be edited."""
    monkeypatch.chdir(sweeps.folder)
    sweeps.file = sweeps.folder / "sweep.yaml"
    sweeps.file.write_text(TEXT)
    prepare(load_sweep(sweeps.file), sweeps.url, sweeps.file)
    return sweeps


@pytest.mark.parametrize(
    "edit",
    [
        ("name: quick", "name: quick\nresources: {max_parallel: 3}"),
        ("name: quick", "name: quick\nresources: {cpus_per_trial: 2}"),
        ("name: quick", "name: quick\nbudget: {deadline: 8h}"),
        ("epochs: 2", "epochs: 2, loader_workers: 2"),
    ],
    ids=["parallel", "cpus", "budget", "loader"],
)
def test_where_and_how_long_a_sweep_runs_may_change(edit, launched, quick_runner):
    before = load_sweep(launched.file)
    launched.file.write_text(TEXT.replace(*edit))
    prepared = prepare_resume("quick", launched.url)
    assert prepared.changes == ()
    assert prepared.sweep.spec() == before.spec()
    assert prepared.sweep != before
    row = run(prepared, executor=InlineExecutor(quick_runner))
    assert row.state == "COMPLETE"
    assert row.spec == prepared.sweep.to_json()  # what it was trained with is what is stored


@pytest.mark.parametrize(
    ("edit", "difference"),
    [
        (("epochs: 2", "epochs: 3"), "training.epochs: 2 -> 3"),
        (("batch_size: 2", "batch_size: 2, augment: flips"), 'training.augment: "none" -> "flips"'),
    ],
)
def test_other_training_settings_are_refused_unless_accepted(
    edit, difference, launched, quick_runner
):
    launched.file.write_text(TEXT.replace(*edit))
    with pytest.raises(SweepChanged) as refused:
        prepare_resume("quick", launched.url)
    assert difference in str(refused.value)
    assert "--accept-changes" in str(refused.value)
    prepared = prepare_resume("quick", launched.url, accept_changes=True)
    assert run(prepared, executor=InlineExecutor(quick_runner)).state == "COMPLETE"
    (event,) = (e for e in queries.events(prepared.engine, prepared.row) if e.kind == "driver")
    assert event.detail["accepted"] == [difference]
    assert any(difference in note for note in prepared.notes)


def test_a_second_launch_is_told_to_watch_the_first_one_which_has_just_stored_the_sweep(
    launched, sqlite_run
):
    with pytest.raises(SweepExists, match=r"just stored it: follow it .* `searchctl watch quick`"):
        prepare(load_sweep(launched.file), launched.url, launched.file)
    sqlite_run("UPDATE searchctl_sweeps SET created_at = '2026-01-01 00:00:00.000000'")
    with pytest.raises(SweepExists, match=r"\(INTERRUPTED\): resume what was launched"):
        prepare(load_sweep(launched.file), launched.url, launched.file)


def test_accepted_changes_are_in_every_view_with_the_rung_they_came_after(launched, quick_runner):
    jobs = []

    def counted(job, *rest):
        jobs.append(job)
        return quick_runner(job, *rest)

    prepared = prepare_resume("quick", launched.url)
    stopping = lambda: "enough" if len(jobs) == 4 else None  # noqa: E731
    assert run(prepared, executor=InlineExecutor(counted), stopping=stopping).state == "STOPPED"
    launched.file.write_text(TEXT.replace("train: 16", "train: 14"))
    prepared = prepare_resume("quick", launched.url, accept_changes=True)
    assert "14 training images, 16 in the ladder" in " ".join(prepared.notes)
    run(prepared, executor=InlineExecutor(quick_runner))
    run(launched.prepare(name="other"), executor=InlineExecutor(quick_runner))
    for view in (
        ["logs"],
        ["status"],
        ["verify"],
        ["explain"],
        ["pareto"],
        ["compare", "0", "1"],
        ["compare", "other"],
        ["report", "--format", "md"],
    ):
        verb, *rest = view
        shown = searchctl(verb, "quick", *rest, "--db", launched.url, cwd=launched.folder).stdout
        words = " ".join(shown.split())
        assert "with --accept-changes after rung 0: data.train: 16 -> 14; the files" in words, view


def test_the_end_of_a_resume_counts_by_the_changes_that_it_accepted(
    launched, quick_runner, monkeypatch, capsys
):
    def trained(job, *rest):  # as many images as the job's own epochs take
        epochs = job.trial_settings.epochs
        return replace(quick_runner(job, *rest), images_seen=epochs * job.sample.images)

    monkeypatch.setattr(inline, "InlineExecutor", partial(InlineExecutor, trained))
    launched.file.write_text(TEXT.replace("epochs: 2", "epochs: 3"))
    prepare = partial(prepare_resume, "quick", launched.url, accept_changes=True)
    with StopSwitch() as stopping:
        drive(lambda tell: prepare(tell=tell), stopping, inline=True)
    assert "trained 100 % of the planned images" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    "edit",
    [
        ("0.1, 0.01", "0.2, 0.01"),
        ("name: quick", "name: quick\nseed: 4"),
        ("name: quick", "name: quick\nhalving: {finalists: 1}"),
    ],
    ids=["space", "seed", "halving"],
)
def test_settings_that_decisions_depend_on_can_never_change(edit, launched):
    launched.file.write_text(TEXT.replace(*edit))
    with pytest.raises(SweepChanged, match="no longer says what 'quick' computes"):
        prepare_resume("quick", launched.url, accept_changes=True)
    assert prepare_resume("quick", launched.url, stored=True).changes == ()


def test_another_major_version_of_a_package_is_named_and_may_be_accepted(launched, sqlite_run):
    sqlite_run("""UPDATE searchctl_sweeps SET versions = json_set(versions, '$.torch', '1.9.0')""")
    with pytest.raises(SweepChanged, match=r"torch: 1\.9\.0 -> 2\."):
        prepare_resume("quick", launched.url)
    (change,) = prepare_resume("quick", launched.url, accept_changes=True).changes
    assert change.startswith("torch: 1.9.0")


def test_a_refused_resume_writes_nothing(launched, sqlite_run):
    sqlite_run("""UPDATE searchctl_sweeps SET versions = json_set(versions, '$.torch', '1.9.0')""")
    runs = launched.folder / "runs"
    shutil.rmtree(runs, ignore_errors=True)
    before = sorted(launched.folder.rglob("*"))
    with pytest.raises(SweepChanged):
        prepare_resume("quick", launched.url)
    assert sorted(launched.folder.rglob("*")) == before
    prepare_resume("quick", launched.url, accept_changes=True)
    assert runs.is_dir()


def test_another_minor_version_and_other_code_continue_and_are_recorded(
    launched, sqlite_run, quick_runner
):
    sqlite_run("""UPDATE searchctl_sweeps SET versions = json_set(versions, '$.code', 'other')""")
    prepared = prepare_resume("quick", launched.url)
    run(prepared, executor=InlineExecutor(quick_runner))
    (event,) = (e for e in queries.events(prepared.engine, prepared.row) if e.kind == "driver")
    assert len(event.detail["versions"]["code"]) == 16


def test_a_data_set_may_move(camvid_root, sweeps, monkeypatch, tmp_path, quick_runner):
    monkeypatch.chdir(sweeps.folder)
    file = sweeps.folder / "sweep.yaml"
    scenes = "{dataset: scenes, train: 16, val: 2, test: 2}"
    camvid = f"{{dataset: camvid, root: {camvid_root}, image_size: [48, 64]}}"
    file.write_text(TEXT.replace(scenes, camvid))
    prepare(load_sweep(file), sweeps.url, file)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.symlink_to(camvid_root)
    prepared = prepare_resume("quick", sweeps.url, data_root=elsewhere)
    assert prepared.sweep.data.root == elsewhere
    assert prepared.changes == ()


def test_data_are_where_the_launch_found_them_or_else_where_the_file_says(
    camvid_root, sweeps, monkeypatch, tmp_path
):
    monkeypatch.chdir(sweeps.folder)
    file, first, later = (sweeps.folder / name for name in ("sweep.yaml", "first", "later"))
    camvid = "{dataset: camvid, root: later, image_size: [48, 64]}"
    file.write_text(TEXT.replace("{dataset: scenes, train: 16, val: 2, test: 2}", camvid))
    first.symlink_to(camvid_root)
    prepare(load_sweep(file, data_root=first), sweeps.url, file)
    assert prepare_resume("quick", sweeps.url).sweep.data.root == first
    first.rename(later)
    assert prepare_resume("quick", sweeps.url).sweep.data.root == later


def test_drawn_data_have_no_directory_to_move(launched, tmp_path):
    with pytest.raises(SearchctlError, match="'scenes' has no directory"):
        prepare_resume("quick", launched.url, data_root=tmp_path)


def test_a_finished_sweep_needs_no_data(camvid_root, sweeps, tmp_path, quick_runner):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.symlink_to(camvid_root)
    data = {"dataset": "camvid", "root": str(elsewhere), "image_size": [48, 64]}
    sweeps.launch(quick_runner, data=data)
    elsewhere.unlink()
    prepared, row = sweeps.resume(quick_runner)
    assert row.state == "COMPLETE"
    assert prepared.plan.ladder.rungs[-1].images == 367


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE searchctl_decisions SET verdict = 'pruned' WHERE rank = 1 AND rung = 0",
        "UPDATE searchctl_jobs SET score = 0.99 WHERE trial_id = 1 AND rung = 0",
        "DELETE FROM searchctl_decisions WHERE rank = 4",
        "UPDATE searchctl_jobs SET score = 0.999 WHERE trial_id = 4 AND rung = 0",
    ],
)
def test_a_sweep_changed_by_hand_is_not_resumed(change, sweeps, quick_runner):
    with pytest.raises(Died):
        sweeps.launch(dies_at(quick_runner, 9))
    engine = sweeps.prepare(name="other").engine
    with engine.begin() as connection:
        assert connection.execute(text(change)).rowcount
    with pytest.raises(SearchctlError, match="changed by hand"):
        sweeps.resume()


def test_a_changed_data_set_is_not_resumed(sweeps, quick_runner):
    with pytest.raises(Died):
        sweeps.launch(dies_at(quick_runner, 2))
    engine = sweeps.prepare(name="other").engine
    with engine.begin() as connection:
        connection.execute(text("UPDATE searchctl_sweeps SET data_fingerprint = 'other'"))
    with pytest.raises(SearchctlError, match="not those that 'quick' was launched on"):
        sweeps.resume()


def test_resume_takes_the_resources_that_the_file_has_today(sweeps):
    source = sweeps.folder / "sweep.yaml"
    text = "name: quick\ndata: {dataset: scenes}\nspace: {lr: [0.1, 0.01]}\n"
    source.write_text(text)
    launched = load_sweep(source)
    prepare(launched, sweeps.url, source)
    source.write_text(text + "resources: {max_parallel: 3}\n")
    resumed = prepare_resume("quick", sweeps.url).sweep
    assert resumed.resources.max_parallel == 3
    assert resumed.spec() == launched.spec()
    assert resumed.storage == launched.storage
