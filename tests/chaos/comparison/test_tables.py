"""The comparison sees every change in what a sweep left, and nothing else."""

import sqlite3
from contextlib import closing

import pytest

from searchctl import launch
from searchctl.orchestrator.config.sweep import Sweep
from tests.chaos.comparison.tables import ABOUT, contents, differences

CHANGES = {
    "sweeps": "UPDATE searchctl_sweeps SET state = 'STOPPED'",
    "cohorts": "UPDATE searchctl_cohorts SET source_trials = '[1]'",
    "trials": "UPDATE searchctl_trials SET params = '{\"lr\": 0.2}' WHERE number = 0",
    "jobs": "UPDATE searchctl_jobs SET score = score + 1e-16 WHERE id = 1",
    "epochs": "DELETE FROM searchctl_epochs WHERE job_id = 1",
    "class_scores": "UPDATE searchctl_class_scores SET iou = 0.5 WHERE job_id = 1 AND class_id = 0"
    " AND split = 'val'",
    "image_scores": "UPDATE searchctl_image_scores SET counts = x'00' WHERE job_id = 1",
    "decisions": "UPDATE searchctl_decisions SET reason = 'a whim' WHERE id = 1",
    "measurements": "INSERT INTO searchctl_measurements"
    " (sweep_id, quantity, subject, hardware, value, trial, rung)"
    " SELECT id, 'latency_ms', 'a network', 'cpu', 1, 0, 0 FROM searchctl_sweeps",
    "study": "UPDATE trials SET state = 'FAIL' WHERE trial_id = 1",
}
OF_ITS_OWN = [
    "UPDATE searchctl_sweeps SET created_at = '2020-01-01', lease_owner = 'elsewhere:1'",
    "UPDATE searchctl_cohorts SET drawn_at = '2020-01-01'",
    "UPDATE searchctl_jobs SET seconds = 1e6, peak_memory_bytes = 1",
    "UPDATE searchctl_attempts SET token = 'another', worker = 'elsewhere:1' WHERE id = 1",
]


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A finished sweep, and what is in its tables."""
    folder = tmp_path_factory.mktemp("finished")
    sweep = Sweep.model_validate(
        {
            "name": "small",
            "data": {"dataset": "scenes", "image_size": [16, 24], "train": 8, "val": 2, "test": 2},
            "training": {"epochs": 1, "width": 2, "batch_size": 4, "threads": 1},
            "space": {"lr": [0.1, 0.01, 0.001, 0.0001]},
            "storage": {"runs": str(folder / "runs")},
        }
    )
    launch(sweep, db=f"sqlite:///{folder}/searchctl.db", inline=True)
    return folder, contents(f"sqlite:///{folder}/searchctl.db", "small")


@pytest.fixture
def changes_by(finished, tmp_path):
    """Say how the sweep differs from itself after a statement."""
    folder, before = finished

    def change(statement):
        database = tmp_path / "changed.db"
        with closing(sqlite3.connect(folder / "searchctl.db")) as connection:
            connection.execute("VACUUM INTO ?", [str(database)])
        with closing(sqlite3.connect(database)) as connection, connection:
            assert connection.execute(statement).rowcount
        return differences(before, contents(f"sqlite:///{database}", "small"))

    return change


def test_there_is_a_change_for_every_table_that_is_compared():
    assert set(CHANGES) == {*ABOUT, "study"}


@pytest.mark.parametrize(("table", "statement"), CHANGES.items(), ids=CHANGES)
def test_a_changed_value_is_seen_in_each_table(table, statement, changes_by):
    lines = changes_by(statement)
    assert lines
    assert all(line.startswith(f"{table} (") for line in lines)


@pytest.mark.parametrize("statement", OF_ITS_OWN)
def test_times_places_and_attempts_are_a_runs_own(statement, changes_by):
    assert changes_by(statement) == []


def test_a_changed_byte_of_a_finalists_weights_is_seen(finished):
    folder, before = finished
    weights = next(folder.rglob("model.safetensors"))
    whole = weights.read_bytes()
    weights.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    lines = differences(before, contents(f"sqlite:///{folder}/searchctl.db", "small"))
    weights.write_bytes(whole)
    assert len(lines) == 1
    assert "weights: sha256:" in lines[0]
