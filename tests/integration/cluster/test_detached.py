"""Settings that cannot be sent to a cluster are refused before; submitted jobs are stored."""

import json
from pathlib import Path

import pytest

from searchctl.orchestrator.cluster.detached import submit_launch
from searchctl.orchestrator.cluster.submitted import printed_by_driver, stop_before_it_is_stored
from searchctl.orchestrator.config.fingerprint import OWN_PACKAGE
from searchctl.orchestrator.core.errors import SearchctlError
from searchctl.orchestrator.executors.ray.own_code import code_folder
from searchctl.orchestrator.run.preparation.prepare import prepare
from searchctl.orchestrator.run.resume import sweep_to_resume
from searchctl.orchestrator.storage.database import open_database
from searchctl.orchestrator.storage.submissions import (
    knows,
    new_submission,
    newest_submission,
    store_submission,
)

UNREACHABLE = "http://127.0.0.1:9"
POSTGRES = "postgresql+psycopg://nobody@127.0.0.1:9/none"


def submit(sweep, url=POSTGRES, db=None):
    submit_launch(sweep, url, UNREACHABLE, Path("sweep.yaml"), db=db, probe=False)


def test_sqlite_is_refused_with_the_reason(sweeps):
    with pytest.raises(SearchctlError, match="SQLite is a file of one machine; use PostgreSQL"):
        submit(sweeps.sweep(), sweeps.url)


def test_a_password_does_not_travel_in_a_command(sweeps):
    url = POSTGRES.replace("nobody@", "nobody:secret@")
    with pytest.raises(SearchctlError, match=r"leave --db out, .*\$SEARCHCTL_DB_URL") as refusal:
        submit(sweeps.sweep(), url, db=url)
    assert "secret" not in str(refusal.value)


@pytest.mark.parametrize("init", ["checkpoint:./best.safetensors", "checkpoint:~/best.safetensors"])
def test_a_path_from_here_does_not_travel(sweeps, init):
    with pytest.raises(SearchctlError, match=r"best\.safetensors is a relative path"):
        submit(sweeps.sweep(training={"init": init, "batch_size": 2, "epochs": 1}))


def test_a_cluster_that_does_not_answer_is_named_with_the_fix(sweeps):
    with pytest.raises(
        SearchctlError, match=f"{UNREACHABLE} does not answer.*--address http://head"
    ):
        submit(sweeps.sweep())


def test_the_newest_driver_of_a_sweep_is_found_by_the_sweep_s_name(postgres_url):
    engine = open_database(postgres_url, create=True)
    made = [new_submission(name, UNREACHABLE) for name in ("quick", "other", "quick")]
    for submission in made:
        store_submission(engine, submission)
    assert newest_submission(engine, "quick") == made[2]
    assert len({submission.job for submission in made}) == 3
    assert [knows(engine, job) for job in (made[0].job, "quick-0")] == [True, False]
    engine.dispose()


def test_a_driver_that_was_not_submitted_prints_on_its_own_terminal(sweeps):
    sweeps.launch()
    with pytest.raises(SearchctlError, match="is on the terminal where it was launched"):
        list(printed_by_driver("quick", sweeps.url))
    assert stop_before_it_is_stored("quick", sweeps.url) is None


def test_a_sweep_continues_where_it_was_launched_though_its_file_names_no_cluster(sweeps, tmp_path):
    file = tmp_path / "sweep.yaml"
    file.write_text(json.dumps(sweeps.sweep().to_json()))
    launched = sweeps.sweep(resources={"address": "ray://head:10001"})
    row = prepare(launched, sweeps.url, file, inline=True).row
    assert sweep_to_resume(row).resources.address == "ray://head:10001"
    assert sweep_to_resume(row, address="auto").resources.address == "auto"


def test_the_code_that_travels_is_ours_with_its_version():
    with code_folder() as folder:
        names = {path.name for path in folder.iterdir()}
        assert names > {OWN_PACKAGE}
        assert len(names) == 2
        assert (
            folder / OWN_PACKAGE / "orchestrator" / "report" / "templates" / "report.md"
        ).is_file()
        assert not list(folder.rglob("__pycache__"))
