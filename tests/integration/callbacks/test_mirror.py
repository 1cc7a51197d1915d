"""The Optuna study of a sweep: equal to our tables, rebuilt from them, and never in the way."""

import ast
import logging
import re
import subprocess
import sys
from pathlib import Path

import optuna
import pytest
from optuna.artifacts import get_all_artifact_meta
from optuna.storages import RDBStorage
from optuna.trial import TrialState
from sqlalchemy import text

from searchctl.orchestrator.draws.distributions import distributions
from searchctl.orchestrator.search.study import Ending, StudyMirror
from searchctl.orchestrator.storage.reads import queries
from searchctl.searchspace import Choice, Params, Space
from searchctl.trainer.core.results import JobResult
from tests.jobs.unlucky import Died

ROOT = Path(__file__).parents[3]


def study_of(prepared):
    return optuna.load_study(study_name=prepared.sweep.name, storage=prepared.url)


def shown(prepared):
    """Return state, params, intermediate values and attributes of every mirrored trial."""
    trials = study_of(prepared).get_trials()
    return {
        trial.user_attrs["trial"]: (
            trial.state.name,
            trial.params,
            trial.intermediate_values,
            trial.value,
            trial.user_attrs,
        )
        for trial in trials
    }


def assert_equal_to_our_tables(prepared):
    mirrored = shown(prepared)
    scores = {}
    for job in queries.jobs(prepared.engine, prepared.row):
        if job.score is not None:
            scores.setdefault(job.trial, {})[job.images] = job.score
    rows = queries.trials(prepared.engine, prepared.row)
    assert len(mirrored) == len(study_of(prepared).trials) == len(rows)
    for row in rows:
        state, params, values, value, _ = mirrored[row.number]
        assert (state, params, values) == (row.state, row.params, scores.get(row.number, {}))
        assert value == (None if state == "FAIL" else values[max(values)])


def spoilt(runner):
    """Let trial 6 diverge and trial 1 fail."""

    def run(job, on_epoch, stop):
        if job.trial == 1:
            raise RuntimeError("bad shape")
        if job.trial == 6:
            return JobResult("diverged", None)
        return runner(job, on_epoch, stop)

    return run


def test_states_params_and_scores_are_those_of_our_tables(sweeps, quick_runner):
    prepared, _ = sweeps.launch(spoilt(quick_runner))
    assert_equal_to_our_tables(prepared)
    states = [state for state, *_ in shown(prepared).values()]
    assert [states.count(s) for s in ("COMPLETE", "PRUNED", "FAIL")] == [2, 4, 2]


def test_attributes_describe_a_trial_and_the_reason_of_its_end(sweeps, quick_runner):
    prepared, _ = sweeps.launch(spoilt(quick_runner))
    decisions = {d.trial: d for d in queries.decisions(prepared.engine, prepared.row)}
    found = {number: attributes for number, (*_, attributes) in shown(prepared).items()}
    params = prepared.sweep.trials()
    for number, attributes in found.items():
        last = decisions[number]
        assert attributes["params_hash"] == params[number].fingerprint
        assert (attributes["cohort"], attributes["origin"]) == (0, "grid")
        assert (attributes["verdict"], attributes["reason"]) == (last.verdict, last.reason)
    finalist = dict(found[5])
    assert (finalist["rung"], finalist["images"], finalist["kept_epoch"]) == (2, 32, 1)
    assert finalist["val_miou"] == pytest.approx(0.82)
    assert (finalist["seconds"], finalist["trainable_parameters"]) == (1.5, 7)


def artifacts(prepared):
    """Return the names of each trial's artifacts, by trial and rung."""
    return {
        trial.number: {
            each.filename: each.artifact_id
            for each in get_all_artifact_meta(trial, storage=study_of(prepared)._storage)
        }
        for trial in study_of(prepared).trials
    }


def test_artifacts_are_the_pictures_of_attempts_with_a_score(sweeps, quick_runner):
    prepared, _ = sweeps.launch(spoilt(quick_runner))
    found = artifacts(prepared)
    tokens = {(a.trial, a.rung): a.token for a in queries.attempts(prepared.engine, prepared.row)}
    assert found[5] == {f"rung-{n}-masks.png": f"{n:02d}-{tokens[5, n]}-0" for n in range(3)}
    assert found[1] == found[6] == {}
    optuna.delete_study(study_name="quick", storage=prepared.url)
    sweeps.resume()
    assert artifacts(prepared) == found


def test_a_sweep_that_draws_nothing_has_no_artifacts(sweeps):
    prepared, _ = sweeps.launch(report={"images": 0})
    assert not any(artifacts(prepared).values())


def test_direction_is_that_of_the_score(sweeps):
    prepared, _ = sweeps.launch(halving={"score": "val_loss"})
    assert study_of(prepared).direction == optuna.study.StudyDirection.MINIMIZE
    assert study_of(prepared).metric_names == ["val_loss"]
    assert study_of(prepared).best_value == min(
        d.score for d in queries.decisions(prepared.engine, prepared.row) if d.rung == 2
    )


def test_a_deleted_study_is_rebuilt_by_resume(sweeps, quick_runner):
    prepared, _ = sweeps.launch(spoilt(quick_runner))
    before = shown(prepared)
    optuna.delete_study(study_name="quick", storage=prepared.url)
    sweeps.resume()
    assert shown(prepared) == before
    assert_equal_to_our_tables(prepared)


def test_a_study_deleted_in_mid_sweep_is_rebuilt_by_resume(sweeps, quick_runner):
    jobs = iter(range(10))

    def mortal(job, on_epoch, stop):
        if next(jobs, None) is None:
            raise Died
        return quick_runner(job, on_epoch, stop)

    with pytest.raises(Died):
        sweeps.launch(mortal)
    optuna.delete_study(study_name="quick", storage=sweeps.url)
    prepared, _ = sweeps.resume()
    assert_equal_to_our_tables(prepared)


def test_the_steps_of_an_earlier_versions_study_become_numbers_of_images(sweeps, quick_runner):
    prepared, _ = sweeps.launch(spoilt(quick_runner), halving={"audit": 2})
    before = [trial.intermediate_values for trial in study_of(prepared).trials]
    assert {step for values in before for step in values} == {8, 16, 32}
    with prepared.engine.begin() as connection:
        for rung, images in enumerate((8, 16, 32)):
            steps = "UPDATE trial_intermediate_values SET step"
            connection.execute(text(f"{steps} = {rung} WHERE step = {images}"))
    for _ in range(2):
        sweeps.resume()
        assert [trial.intermediate_values for trial in study_of(prepared).trials] == before


def test_optuna_continues_from_the_study_as_the_docs_say(sweeps, quick_runner, tmp_path):
    space = {"lr": {"low": 0.001, "high": 0.1, "log": True}, "optimizer": ["sgd", "adamw"]}
    search = {"method": "random", "trials": 8}
    prepared, _ = sweeps.launch(spoilt(quick_runner), space=space, search=search)
    page = (ROOT / "docs" / "watching.md").read_text()
    (code,) = (
        each for each in re.findall(r"```python(.*?)```", page, re.S) if "load_study" in each
    )
    code = code.replace("quickstart", "quick").replace("sqlite:///searchctl.db", prepared.url)
    command = [sys.executable, "-W", "error", "-c", code]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    drawn, importance = map(ast.literal_eval, done.stdout.splitlines())
    assert prepared.sweep.space_.contains(drawn)
    assert importance.keys() == space.keys()


def test_resuming_changes_nothing_of_a_finished_study_and_keeps_notes(sweeps):
    prepared, _ = sweeps.launch()
    study_of(prepared).set_user_attr("note", "mine")
    study_of(prepared).set_user_attr("report", "elsewhere")
    before = shown(prepared)
    sweeps.resume()
    assert shown(prepared) == before
    assert study_of(prepared).user_attrs == {
        "note": "mine",
        "report": "elsewhere",
        "winner": 5,
    }


@pytest.mark.parametrize("table", ["trials", "trial_intermediate_values", "trial_user_attributes"])
def test_a_mirror_that_cannot_be_written_is_logged_and_stops_nothing(table, sweeps, caplog):
    prepared = sweeps.prepare()
    optuna.create_study(study_name="quick", storage=prepared.url, direction="maximize")
    refusal = f"BEFORE INSERT ON {table} BEGIN SELECT RAISE(ABORT, 'no room for Optuna'); END"
    with prepared.engine.begin() as connection:
        connection.execute(text(f"CREATE TRIGGER full {refusal}"))
    with caplog.at_level(logging.WARNING, logger="searchctl"):
        _, row = sweeps.resume()
    assert row.state == "COMPLETE"
    assert "the Optuna study is out of date" in caplog.text
    with prepared.engine.begin() as connection:
        connection.execute(text("DROP TRIGGER full"))
    optuna.delete_study(study_name="quick", storage=prepared.url)
    sweeps.resume()
    assert_equal_to_our_tables(prepared)


SPACES = {
    "when": {
        "model": ["simple_fcn", "unet"],
        "width": {"values": [4, 8], "when": {"model": "unet"}},
    },
    "points": {
        "points": [{"optimizer": "sgd", "momentum": 0.5}, {"optimizer": "adam"}],
        "lr": [0.1, 0.01],
    },
    "null and mixed": {"width": [None, 4], "channels_last": ["auto", True, False]},
    "stepped": {"batch_size": {"low": 2, "high": 8, "step": 2}},
}


@pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)
def test_every_kind_of_space_goes_through_the_mirror(space, sweeps, caplog):
    prepared, _ = sweeps.launch(space=space)
    assert_equal_to_our_tables(prepared)
    assert caplog.text == ""


def test_intervals_go_through_the_mirror_with_their_ends(sweeps, caplog):
    space = {
        "lr": {"low": 1e-5, "high": 1e-1, "log": True},
        "dropout": {"low": 0.0, "high": 0.5},
        "epochs": {"low": 1, "high": 9},
    }
    prepared, _ = sweeps.launch(space=space, search={"method": "random", "trials": 8})
    assert_equal_to_our_tables(prepared)
    assert caplog.text == ""
    held = study_of(prepared).trials[0].distributions
    assert (held["lr"].low, held["lr"].high, held["lr"].log) == (1e-5, 1e-1, True)
    assert (held["epochs"].low, held["epochs"].high) == (1, 9)
    assert isinstance(held["epochs"], optuna.distributions.IntDistribution)


def test_a_list_as_a_value_is_mirrored_as_its_text(tmp_path):
    space = Space({"size": Choice(((8, 16), (16, 32)))})
    assert distributions(space)["size"].choices == ("[8,16]", "[16,32]")
    url = f"sqlite:///{tmp_path}/lists.db"
    mirror = StudyMirror(url, "lists", "maximize", space)
    mirror.begin(0, Params({"size": (8, 16)}))
    (trial,) = optuna.load_study(study_name="lists", storage=url).trials
    assert (trial.params, trial.state) == ({"size": "[8,16]"}, TrialState.RUNNING)


def test_writes_may_be_repeated(tmp_path):
    url = f"sqlite:///{tmp_path}/repeat.db"
    space = Space({"lr": Choice((0.1, 0.2))})
    for _ in range(2):
        mirror = StudyMirror(url, "repeat", "maximize", space)
        mirror.begin(1, Params({"lr": 0.2}))
        mirror.report(1, 0, 0.5, {"seconds": 2})
        mirror.end([Ending(1, "complete", "rank 1 of 1", "the only one")])
    (trial,) = optuna.load_study(study_name="repeat", storage=url).trials
    assert (trial.value, trial.params, trial.intermediate_values) == (0.5, {"lr": 0.2}, {0: 0.5})


def test_a_trial_whose_creation_was_stored_unheard_is_not_created_again(tmp_path, monkeypatch):
    mirror = StudyMirror(f"sqlite:///{tmp_path}/m.db", "s", "maximize", Space({"lr": Choice((1,))}))
    create = RDBStorage.create_new_trial

    def stored_but_unheard(*arguments, **named):
        create(*arguments, **named)
        raise RuntimeError("the connection was lost during the commit")

    with monkeypatch.context() as patch:
        patch.setattr(RDBStorage, "create_new_trial", stored_but_unheard)
        mirror.begin(0, Params({"lr": 1}))
    mirror.begin(0, Params({"lr": 1}))
    mirror.report(0, 0, 0.5, {})
    (trial,) = optuna.load_study(study_name="s", storage=f"sqlite:///{tmp_path}/m.db").trials
    assert trial.intermediate_values == {0: 0.5}
