"""A study's rows, written many at once, are those that Optuna's own calls write one by one."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor

import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.storages import RDBStorage
from optuna.trial import TrialState, create_trial
from sqlalchemy import text

from searchctl.orchestrator.search.study_rows import EndedTrial, NewTrial, StudyRows
from searchctl.orchestrator.storage.connect import connect

DISTRIBUTIONS = {
    "lr": FloatDistribution(1e-4, 0.1, log=True),
    "width": IntDistribution(8, 64, step=8),
    "loss": CategoricalDistribution(["dice", "focal", None]),
}
PARAMS = {"lr": 0.01, "width": 16, "loss": None}
ABOUT = {"trial": 0, "params_hash": "f00"}
NOTE = {"dashboard:1:note_str:0": "*why*", "dashboard:1:note_ver": 1}


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path):
    """An empty database of either kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/studies.db"
    return request.getfixturevalue("postgres_url")


@pytest.fixture
def studies(url):
    """Two empty studies, and the rows of the second."""
    storage = RDBStorage(url)
    theirs, ours = (optuna.create_study(storage=storage, study_name=n) for n in ("a", "b"))
    engine = connect(url)
    yield theirs, ours, StudyRows(engine, ours._study_id)
    engine.dispose()
    storage.engine.dispose()


def by_optuna(study, state, scores):
    """Let Optuna write a trial's life."""
    new = create_trial(
        state=TrialState.RUNNING, params=PARAMS, distributions=DISTRIBUTIONS, user_attrs=ABOUT
    )
    storage = study._storage
    trial = optuna.Trial(study, storage.create_new_trial(study._study_id, new))
    for rung, score in scores.items():
        trial.set_user_attr("rung", rung)
        storage.set_trial_system_attr(trial._trial_id, f"artifacts:{rung}", json.dumps("png"))
        trial.report(score, rung)
    trial.set_user_attr("reason", "so")
    study.tell(trial, max(scores.values()) if state == TrialState.COMPLETE else None, state)


def by_rows(rows, state, scores):
    """Write the same, each write twice."""
    trial = rows.create(NewTrial(TrialState.RUNNING, PARAMS, DISTRIBUTIONS, ABOUT, {}))
    value = None if state == TrialState.FAIL else max(scores.values(), default=None)
    for rung, score in [each for each in scores.items() for _ in range(2)]:
        rows.report(trial, rung, score, {"rung": rung}, {f"artifacts:{rung}": json.dumps("png")})
    for _ in range(2):
        rows.end([EndedTrial(trial, state, value, {"reason": "so"}, {})])


def seen(study):
    """Return what Optuna's readers see of a study's trials, but for their ids and moments."""
    return [
        {k: v for k, v in vars(trial).items() if k != "_trial_id" and "datetime" not in k}
        for trial in optuna.load_study(study_name=study.study_name, storage=study._storage).trials
    ]


@pytest.mark.parametrize(
    ("state", "scores"),
    [
        (TrialState.COMPLETE, {0: 0.25, 1: 0.5}),
        (TrialState.PRUNED, {0: 0.1}),
        (TrialState.PRUNED, {}),
        (TrialState.FAIL, {0: 0.3}),
    ],
)
def test_a_trial_is_read_as_if_optuna_had_written_it(state, scores, studies):
    theirs, ours, rows = studies
    for _ in range(2):  # its number too
        by_optuna(theirs, state, scores)
        by_rows(rows, state, scores)
    assert seen(ours) == seen(theirs)
    assert len(seen(ours)) == 2


def test_its_moments_are_those_of_optunas_clock(studies):
    theirs, ours, rows = studies
    by_optuna(theirs, TrialState.PRUNED, {0: 0.1})
    by_rows(rows, TrialState.PRUNED, {0: 0.1})
    (one,), (other,) = theirs.trials, ours.trials
    for name in ("datetime_start", "datetime_complete"):
        assert abs((getattr(one, name) - getattr(other, name)).total_seconds()) < 60


def test_a_trial_that_has_ended_keeps_its_end(studies):
    _, ours, rows = studies
    by_rows(rows, TrialState.FAIL, {})
    rows.end([EndedTrial(ours.trials[0]._trial_id, TrialState.PRUNED, None, {}, {})])
    assert [trial.state for trial in ours.trials] == [TrialState.FAIL]


def test_notes_are_attributes_of_the_study(studies):
    _, ours, rows = studies
    trial = rows.create(NewTrial(TrialState.RUNNING, {}, {}, {}, {}))
    rows.end([EndedTrial(trial, TrialState.PRUNED, None, {}, NOTE)])
    assert ours._storage.get_study_system_attrs(ours._study_id) == NOTE


def test_the_end_of_a_rung_of_no_trials_writes_nothing(studies):
    _, ours, rows = studies
    rows.end([])
    assert ours.trials == []


def test_trials_may_be_created_while_others_write(url, studies):
    _, ours, rows = studies
    other, over = connect(url), threading.Event()

    def write_often():
        while not over.wait(0.001):
            with other.begin() as connection:
                connection.execute(text("UPDATE studies SET study_name = 'a' WHERE study_id = 1"))

    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(write_often)
        for _ in range(30):
            rows.create(NewTrial(TrialState.RUNNING, {}, {}, {}, {}))
        over.set()
        writing.result()
    other.dispose()
    assert [trial.number for trial in ours.trials] == [*range(30)]
