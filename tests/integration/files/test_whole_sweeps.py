"""Deleting and renaming sweeps, with all that belongs to them."""

from pathlib import Path

import optuna
import pytest
from sqlalchemy import func, select

from searchctl.orchestrator.core.errors import SweepBusy, SweepExists
from searchctl.orchestrator.driver.lease import Lease
from searchctl.orchestrator.run.whole_sweeps import delete_sweep, rename_sweep
from searchctl.orchestrator.storage import schema
from searchctl.orchestrator.storage.reads import queries
from searchctl.trainer.core.atomic_files import write_atomically

TWO = {"lr": [0.1, 0.01]}


@pytest.fixture
def writing(quick_runner):
    """A runner whose jobs leave weights, as those do that train."""

    def run(job, on_epoch, stop):
        if job.keep_weights:
            write_atomically(job.out / "model.safetensors", b"weights")
        return quick_runner(job, on_epoch, stop)

    return run


def row_of(prepared, name):
    return queries.find_sweep(prepared.engine, name)


def counted(prepared):
    tables = [each for each in schema.metadata.sorted_tables if each.name != "alembic_version"]
    with prepared.engine.connect() as connection:
        return {
            each.name: connection.execute(select(func.count()).select_from(each)).scalar()
            for each in tables
            if each.name != "searchctl_schema_version"
        }


def studies(sweeps):
    return optuna.get_all_study_names(sweeps.url)


def values_in(sweeps, name):
    return [each.values for each in optuna.load_study(study_name=name, storage=sweeps.url).trials]


def test_a_deleted_sweep_leaves_nothing_and_others_stay(sweeps, writing):
    prepared, _ = sweeps.launch(writing, TWO)
    before = counted(prepared)
    other, _ = sweeps.launch(writing, TWO, name="other")
    delete_sweep(other.engine, sweeps.url, row_of(other, "other"))
    assert counted(prepared) == before
    assert studies(sweeps) == ["quick"]
    assert [path.name for path in (sweeps.folder / "runs").iterdir()] == ["quick"]
    sweeps.launch(writing, TWO, name="other")  # the name is free


def test_a_renamed_sweep_is_found_with_its_files_and_resumes(sweeps, writing):
    prepared, _ = sweeps.launch(writing, TWO)
    values = values_in(sweeps, "quick")
    rename_sweep(prepared.engine, sweeps.url, row_of(prepared, "quick"), "first-try")
    row = row_of(prepared, "first-try")
    kept = [job.weights for job in queries.jobs(prepared.engine, row) if job.weights]
    assert kept
    for path in kept:
        assert Path(path).read_bytes() == b"weights"
    assert values_in(sweeps, "first-try") == values
    assert studies(sweeps) == ["first-try"]
    assert sweeps.resume(writing, "first-try")[1].state == "COMPLETE"


def test_a_taken_name_and_a_driven_sweep_are_refused(sweeps, writing):
    prepared, _ = sweeps.launch(writing, TWO)
    sweeps.launch(writing, TWO, name="other")
    row = row_of(prepared, "quick")
    with pytest.raises(SweepExists, match="already has a sweep 'other'"):
        rename_sweep(prepared.engine, sweeps.url, row, "other")
    with Lease(prepared.engine, row.id), pytest.raises(SweepBusy):
        delete_sweep(prepared.engine, sweeps.url, row)
    assert (sweeps.folder / "runs" / "quick").is_dir()
