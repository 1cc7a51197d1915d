"""Jobs after the ladder beside those on it: of the same trial and rung, and never mixed up."""

import pytest
from sqlalchemy.exc import IntegrityError

from searchctl.orchestrator.facts.ranking import rank_trials
from searchctl.orchestrator.halving.job_key import AFTER, ALL, JobKey, key_of
from searchctl.orchestrator.storage import schema
from searchctl.orchestrator.storage.reads import image_scores, queries, snapshot
from tests.sweeps.stored_sweeps import complete, decision, epoch, start

REPEATS = [JobKey(0, 0, "repeat", 1), JobKey(0, 0, "repeat", 2)]
AUDIT = JobKey(1, 0, "audit")


def begin(writer, key, token):
    return writer.start_attempt(key, token=token, fraction="1/2", images=5, gpus=0.0)


@pytest.fixture
def followed_up(writer):
    """A ladder of one rung, both of whose trials have a decision; then two repeats and an audit."""
    for trial, decisions in ((0, []), (1, [decision(0, 1, "complete"), decision(1, 2, "pruned")])):
        start(writer, trial, token=f"ladder{trial}")
        writer.save_result(f"ladder{trial}", complete(0.4), decisions)
    for number, key in enumerate([*REPEATS, AUDIT]):
        begin(writer, key, f"after{number}")
        writer.save_result(f"after{number}", complete(0.9), [])
    return writer


def test_each_has_a_row_of_its_own_after_those_of_the_ladder(engine, sweep, followed_up):
    everything = queries.jobs(engine, sweep, kinds=ALL)
    assert list(map(key_of, everything)) == [JobKey(0, 0), JobKey(1, 0), *REPEATS, AUDIT]
    assert [job.score for job in everything] == [0.4, 0.4, 0.9, 0.9, 0.9]
    assert len(queries.attempts(engine, sweep)) == 5


def test_queries_of_the_ladder_return_the_ladder_only(engine, sweep, followed_up):
    assert {job.kind for job in queries.jobs(engine, sweep)} == {"ladder"}
    assert len(queries.epochs(engine, sweep, 0)) == 2
    assert len(queries.epochs(engine, sweep, 0, AFTER)) == 4
    assert len(queries.class_scores(engine, sweep, 0)) == 2
    assert len(queries.class_scores(engine, sweep, 0, kinds=ALL)) == 6
    assert list(image_scores.rung_counts(engine, sweep, 0, {0, 1})) == [0, 1]
    assert [each.trial for each in rank_trials(engine, sweep)] == [0, 1]
    assert len(snapshot.compared_jobs(engine, sweep, [0, 1])) == 2
    assert len(queries.class_scores(engine, sweep, [0, 1], rung=0)) == 4
    assert queries.best_class_iou(engine, sweep, 0) == {0: 0.4}


def test_counts_of_images_are_those_of_the_one_job(engine, sweep, writer, followed_up):
    begin(writer, JobKey(1, 0, "repeat", 1), "without")
    assert image_scores.image_counts(engine, sweep, AUDIT) is not None
    assert image_scores.image_counts(engine, sweep, JobKey(1, 0, "repeat", 1)) is None


def test_jobs_are_counted_by_kind(engine, sweep, followed_up):
    counts = {(c.kind, c.state): c.jobs for c in snapshot.count_jobs(engine, sweep)}
    expected = {("ladder", "COMPLETE"): 2, ("repeat", "COMPLETE"): 2, ("audit", "COMPLETE"): 1}
    assert counts == expected
    times = snapshot.times_by_kind(engine, sweep)
    assert {kind: (each.jobs, each.seconds) for kind, each in times.items()} == {
        "ladder": (2, 3.0),
        "repeat": (2, 3.0),
        "audit": (1, 1.5),
    }


@pytest.mark.parametrize("outcome", ["lost", "stopped"])
def test_a_trial_keeps_the_state_of_its_last_decision(engine, sweep, followed_up, outcome):
    states = [trial.state for trial in queries.trials(engine, sweep)]
    assert states == ["COMPLETE", "PRUNED"]
    begin(followed_up, JobKey(0, 0, "repeat", 3), "again")
    assert [trial.state for trial in queries.trials(engine, sweep)] == states
    followed_up.lose_attempt("again", outcome, "gone")
    assert [trial.state for trial in queries.trials(engine, sweep)] == states
    assert queries.jobs(engine, sweep, 0, AFTER)[-1].state == "WAITING"


def test_a_job_that_is_retried_keeps_its_row(engine, sweep, followed_up):
    key = JobKey(0, 0, "repeat", 3)
    begin(followed_up, key, "first")
    followed_up.save_epoch("first", epoch(1))
    followed_up.lose_attempt("first", "lost", "gone")
    assert begin(followed_up, key, "second") == 2
    assert len(queries.jobs(engine, sweep, 0, AFTER)) == 3
    assert [each.repeat for each in queries.epochs(engine, sweep, 0, AFTER)][-1] == 3


def test_the_schema_itself_refuses_a_second_row_of_one_job(engine, followed_up):
    row = {"trial_id": 1, "rung": 0, "kind": "repeat", "repeat": 2}
    with pytest.raises(IntegrityError, match=r"(?i)unique"), engine.begin() as connection:
        connection.execute(
            schema.jobs.insert().values(fraction="1", images=1, state="RUNNING", **row)
        )
