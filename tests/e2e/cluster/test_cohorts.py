"""A sweep of several cohorts that is extended, by Ray and PostgreSQL, from launch to verify."""

import shutil

import pytest
from sqlalchemy import create_engine, text

pytestmark = pytest.mark.exhaustive

SWEEP = """\
name: learns
seed: 3
data: {dataset: scenes, image_size: [16, 24], train: 16, val: 4, test: 4}
training: {model: simple_fcn, epochs: 1, batch_size: 4}
space:
  lr: {low: 1e-4, high: 1e-1, log: true}
  width: [2, 4]
search: {method: tpe, trials: [9, 3, 3], lag: 2, known: [{lr: 1e-2, width: 4}]}
halving: {finalists: 1, fractions: [1/4, 1]}
"""


@pytest.fixture(scope="module")
def extended(postgres_server, searchctl, tmp_path_factory):
    """The sweep at its end, and its database."""
    folder = tmp_path_factory.mktemp("cohorts")
    env = {"SEARCHCTL_DB_URL": postgres_server.new_database()}
    (folder / "sweep.yaml").write_text(SWEEP)
    launched = searchctl("launch", "sweep.yaml", cwd=folder, env=env)
    assert launched.returncode == 0, launched.stdout + launched.stderr
    before = rows(env, "decisions ORDER BY id")
    done = searchctl("extend", "learns", "--trials", "4", "--inline", cwd=folder, env=env)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder, env, before


def rows(env, what):
    engine = create_engine(env["SEARCHCTL_DB_URL"])
    with engine.connect() as connection:
        found = connection.execute(text(f"SELECT * FROM searchctl_{what}")).mappings().all()
    engine.dispose()
    return [dict(row) for row in found]


def test_each_cohort_has_its_trials_and_a_model_draws_from_closed_ones(extended):
    _, env, _ = extended
    trials = rows(env, "trials ORDER BY number")
    assert [t["cohort"] for t in trials] == [0] * 9 + [1] * 3 + [2] * 3 + [3] * 4
    assert trials[0]["origin"] == "known"
    drawn = [{t["origin"] for t in trials if t["cohort"] == number} for number in range(4)]
    assert ["model" in origins for origins in drawn] == [False, False, True, True]
    cohorts = rows(env, "cohorts ORDER BY number")
    assert [c["sources"] for c in cohorts] == [[], [], [0], [0, 1, 2]]
    assert [c["request"] for c in cohorts] == [0, 0, 0, 1]
    assert all(source < 9 for source in cohorts[2]["source_trials"])


def test_an_extension_changes_no_stored_decision(extended):
    _, env, before = extended
    assert rows(env, "decisions ORDER BY id")[: len(before)] == before
    assert {t["state"] for t in rows(env, "trials")} == {"COMPLETE", "PRUNED"}


def test_verify_agrees_and_draws_every_cohort_again(extended, searchctl):
    folder, env, _ = extended
    done = searchctl("verify", "learns", cwd=folder, env=env)
    assert done.returncode == 0, done.stdout


def test_in_one_process_without_ray_the_same_trials_and_decisions_come_out(
    extended, searchctl, tmp_path
):
    folder, env, _ = extended
    here = {"SEARCHCTL_DB_URL": f"sqlite:///{tmp_path}/searchctl.db"}
    shutil.copy(folder / "sweep.yaml", tmp_path)
    for command in ("launch sweep.yaml", "extend learns --trials 4"):
        done = searchctl(*command.split(), "--inline", cwd=tmp_path, env=here)
        assert done.returncode == 0, done.stdout + done.stderr
    for columns, table in (
        ("number, cohort, origin, params_hash, state", "trials"),
        ("trial_id, rung, verdict, score, rank, reason", "decisions"),
    ):
        what = f"SELECT {columns} FROM searchctl_{table}"
        assert sorted(values(env, what)) == sorted(values(here, what))


def values(env, query):
    engine = create_engine(env["SEARCHCTL_DB_URL"])
    with engine.connect() as connection:
        found = [tuple(map(str, row)) for row in connection.execute(text(query))]
    engine.dispose()
    return found


def test_a_trial_that_its_cohort_would_not_draw_is_named(extended, searchctl):
    folder, env, _ = extended
    engine = create_engine(env["SEARCHCTL_DB_URL"])
    change = text("UPDATE searchctl_trials SET origin = :origin WHERE number = 12")
    with engine.begin() as connection:
        connection.execute(change, {"origin": "known"})
    done = searchctl("verify", "learns", cwd=folder, env=env)
    with engine.begin() as connection:
        connection.execute(change, {"origin": "model"})
    engine.dispose()
    assert done.returncode == 1
    assert (
        "trial 12: origin is 'known', but 'model' by the draw of cohort 2 from the seed and the "
        "closed cohorts before"
    ) in " ".join(done.stdout.split())
