"""One sweep from its file to a trained model, through the command, a real Ray and a real Optuna."""

import json
import sqlite3
import urllib.request
from contextlib import closing

import pytest
from safetensors import safe_open

from tests.processes.in_process import searchctl as quickly

USERS = (
    *("trainer.py", "orchestrator/__init__.py", "searchspace.py"),
    *("torch_utils.py", "queue.py"),
)


@pytest.fixture(scope="module")
def searchctl(searchctl_process):
    """Each verb runs as its users run it, in a process of its own."""
    return searchctl_process


@pytest.fixture(scope="module")
def swept(tiny_sweep_directory, searchctl):
    """A sweep beside modules of the user, with names that ours have had or a library's part has."""
    (tiny_sweep_directory / "orchestrator").mkdir()
    for name in USERS:
        (tiny_sweep_directory / name).write_text("raise ImportError('a file of the user')\n")
    launched = searchctl("launch", "sweep.yaml", cwd=tiny_sweep_directory)
    assert launched.returncode == 0, launched.stderr
    return tiny_sweep_directory, launched.stdout


def answer_of(searchctl, swept, *command):
    done = searchctl(*command, cwd=swept[0])
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_launch_prints_ladder_progress_winner_and_places(swept):
    _, output = swept
    assert "Costs 6 full trainings instead of 8" in output
    assert "rung 0 8/8: trial" in output
    assert "rung 2 closed: best" in output
    assert "Winner: trial" in output
    assert "sqlite:///searchctl.db" in output
    assert "runs/tiny" in output
    assert "loss 1" not in output  # no worker was lost to a module of the user


def test_other_users_can_read_nothing_that_a_launch_leaves(swept):
    directory, _ = swept
    left = [directory / "searchctl.db", directory / "runs", *(directory / "runs").rglob("*")]
    assert [path for path in left if path.stat().st_mode & 0o007] == []


def test_status_counts_every_job(searchctl, swept):
    status = answer_of(searchctl, swept, "status", "tiny", "--json")
    assert status["state"] == "COMPLETE"
    rungs = [(r["trials"], r["done"], r["running"], r["left"]) for r in status["rungs"]]
    assert rungs == [(8, 8, 0, 0), (4, 4, 0, 0), (2, 2, 0, 0)]
    assert len(status["best"]) == 5


def test_finalists_are_scored_on_the_test_split_and_at_the_original_size(searchctl, swept):
    best = answer_of(searchctl, swept, "status", "tiny", "--json")["best"][0]
    shown = answer_of(searchctl, swept, "show", "tiny", str(best["trial"]), "--json")
    splits = set(shown["jobs"][-1]["evaluations"])
    assert splits == {"val", "train", "val_original", "test", "test_original"}
    assert [d["verdict"] for d in shown["decisions"]] == ["promoted", "promoted", "complete"]


def test_a_sweep_is_listed(searchctl, swept):
    (row,) = answer_of(searchctl, swept, "list", "--json")
    assert (row["name"], row["state"], row["trials"]) == ("tiny", "COMPLETE", 8)


def test_the_exported_configuration_trains_to_the_finalists_own_score(searchctl, swept):
    folder = swept[0]
    winner = answer_of(searchctl, swept, "status", "tiny", "--json")["best"][0]
    assert searchctl("export", "tiny", "-o", "best.yaml", cwd=folder).returncode == 0
    trained = searchctl("train", "best.yaml", "-o", "final", cwd=folder)
    assert trained.returncode == 0, trained.stderr
    metrics = json.loads((folder / "final" / "metrics.json").read_text())
    assert metrics["score"] == winner["score"]
    assert metrics["evaluations"]["test"]["miou"] == winner["test_miou"]
    with (
        safe_open(folder / "final" / "model.safetensors", "pt") as again,
        safe_open(winner["weights"], "pt") as first,
    ):
        for name in first.keys():  # noqa: SIM118 (it is no dict)
            assert again.get_tensor(name).equal(first.get_tensor(name)), name


def test_export_writes_the_top_k_in_either_format(searchctl, swept):
    folder = swept[0]
    searchctl("export", "tiny", "--top", "3", "--json", "-o", "top.json", cwd=folder)
    ranks = [
        json.loads((folder / f"top-{rank}.json").read_text())["exported_from"]["rank"]
        for rank in (1, 2, 3)
    ]
    assert ranks == [1, 2, 3]


def test_a_network_whose_file_is_gone_is_named_with_the_fix(searchctl, swept):
    winner = answer_of(searchctl, swept, "status", "tiny", "--json")["best"][0]
    weights = swept[0] / winner["weights"]
    away = weights.rename(weights.with_suffix(".away"))
    try:
        done = quickly("export", "tiny", "--model", "gone", cwd=swept[0])
    finally:
        away.rename(weights)
    assert (done.returncode, (swept[0] / "gone").exists()) == (1, False)
    assert "model.safetensors is gone: put the sweep's files back, or export its" in done.stderr


def test_train_takes_other_epochs_seed_and_the_validation_images(searchctl, swept):
    folder = swept[0]
    searchctl("export", "tiny", "-o", "again.yaml", cwd=folder)
    options = ("--epochs", "1", "--seed", "5", "--train-and-val", "-o", "more")
    assert searchctl("train", "again.yaml", *options, cwd=folder).returncode == 0
    metrics = json.loads((folder / "more" / "metrics.json").read_text())
    assert [epoch["images"] for epoch in metrics["epochs"]] == [16 + 4]
    assert metrics["configuration"]["seed"] == 5
    card = (folder / "more" / "README.md").read_text()
    assert "`searchctl train` trained that configuration anew, with `epochs` 1 instead of" in card
    assert "`seed` 5 instead of" in card
    assert "the validation images in the training too. The weights" in card


def test_the_optuna_dashboard_shows_every_trial(swept, dashboard):
    study, trials = dashboard(swept[0] / "searchctl.db")
    assert study["study_name"] == "tiny"
    states = [trial["state"] for trial in trials]
    assert (states.count("Complete"), states.count("Pruned"), len(states)) == (2, 6, 8)
    complete = next(trial for trial in trials if trial["state"] == "Complete")
    assert [value["step"] for value in complete["intermediate_values"]] == [4, 8, 16]
    assert {param["name"] for param in complete["params"]} == {"lr", "weight_decay"}
    attributes = {attr["key"] for attr in complete["user_attrs"]}
    assert {"test_miou", "verdict", "reason", "trainable_parameters"} <= attributes


def test_the_mirror_holds_the_scores_of_our_own_tables(swept):
    with closing(sqlite3.connect(swept[0] / "searchctl.db")) as db:
        ours = db.execute(
            "SELECT t.number, j.images, j.score FROM searchctl_jobs j "
            "JOIN searchctl_trials t ON t.id = j.trial_id ORDER BY 1, 2"
        ).fetchall()
        theirs = db.execute(
            "SELECT t.number, v.step, v.intermediate_value FROM trial_intermediate_values v "
            "JOIN trials t ON t.trial_id = v.trial_id ORDER BY 1, 2"
        ).fetchall()
    assert ours == theirs


def test_a_second_launch_of_the_same_name_is_refused(searchctl, swept):
    again = searchctl("launch", "sweep.yaml", cwd=swept[0])
    assert again.returncode == 1
    assert "it has ended (`searchctl status tiny`)" in again.stderr


def test_inline_gives_the_same_scores_as_ray(searchctl, swept, tmp_path):
    (tmp_path / "sweep.yaml").write_text((swept[0] / "sweep.yaml").read_text())
    assert searchctl("launch", "sweep.yaml", "--inline", cwd=tmp_path).returncode == 0
    query = "SELECT trial_id, rung, verdict, score, rank FROM searchctl_decisions ORDER BY 1, 2"
    tables = []
    for folder in (swept[0], tmp_path):
        with closing(sqlite3.connect(folder / "searchctl.db")) as db:
            tables.append(db.execute(query).fetchall())
    assert tables[0] == tables[1]


@pytest.fixture
def dashboard(free_port, searchctl_bin):
    """Return a function that serves a database with the stock dashboard and queries it."""
    import subprocess
    import time

    servers = []

    def ask(path):
        url = f"http://127.0.0.1:{free_port}{path}"
        with urllib.request.urlopen(url, timeout=10) as reply:
            return json.load(reply)

    def serve(database):
        command = [searchctl_bin("optuna-dashboard"), f"sqlite:///{database}"]
        options = ["--port", str(free_port), "--host", "127.0.0.1"]
        servers.append(subprocess.Popen(command + options, stderr=subprocess.DEVNULL))
        for _ in range(100):
            try:
                (study,) = ask("/api/studies")["study_summaries"]
                break
            except OSError:
                time.sleep(0.3)
        return study, ask(f"/api/studies/{study['study_id']}")["trials"]

    yield serve
    for server in servers:
        server.terminate()
        server.wait(10)
