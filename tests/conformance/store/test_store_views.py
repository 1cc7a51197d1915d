"""Views are the same in every store: counts, ranks, comparisons, changes."""

import pytest

from benchmarks.large_sweep import store_large_sweep
from searchctl.orchestrator.facts.ranking import rank_trials
from searchctl.orchestrator.halving.job_key import JobKey
from searchctl.orchestrator.storage.reads import queries
from searchctl.orchestrator.storage.reads.changes import (
    AttemptEnded,
    AttemptStarted,
    ChangeFeed,
    DecisionMade,
    EpochFinished,
)
from searchctl.orchestrator.storage.reads.snapshot import count_jobs
from searchctl.orchestrator.storage.reads.spending import spent_by_stage
from searchctl.orchestrator.terminal.trials.compare import comparison
from searchctl.orchestrator.terminal.trials.trial import trial_facts
from searchctl.orchestrator.terminal.watch import snapshot
from searchctl.trainer.core.results import JobResult
from tests.sweeps.stored_sweeps import epoch, start


@pytest.fixture
def large(engine, sweep):
    """A sweep of 50 trials, one of which diverged, beside another sweep."""
    return store_large_sweep(engine, 50)


def test_jobs_are_counted_by_rung_and_state(engine, large):
    counts = [(c.rung, c.state, c.jobs) for c in count_jobs(engine, large)]
    complete = [(rung, "COMPLETE", n) for rung, n in enumerate((49, 25, 12, 6, 3, 2))]
    assert sorted(counts) == sorted([*complete, (0, "DIVERGED", 1)])
    best = {c.rung: c.score for c in count_jobs(engine, large) if c.state == "COMPLETE"}
    scores = [j.score for j in queries.jobs(engine, large) if j.rung == 2]
    assert best[2] == max(scores)


def test_a_score_that_is_not_finite_is_never_the_best(engine, writer, sweep):
    for trial, score in enumerate((0.4, float("inf"))):
        writer.start_attempt(JobKey(trial, 0), token=f"t{trial}", fraction="1/2", images=5, gpus=0)
        writer.save_result(f"t{trial}", JobResult("complete", score), [])
    (count,) = count_jobs(engine, sweep)
    assert (count.jobs, count.score) == (2, 0.4)


def test_trials_are_ranked_by_their_highest_rung_and_their_rank_there(engine, large):
    ranked = rank_trials(engine, large)
    highest = {}
    for decision in queries.decisions(engine, large):
        if decision.rank:
            highest[decision.trial] = (-decision.rung, decision.rank)
    assert [each.trial for each in ranked] == sorted(highest, key=highest.__getitem__)
    assert len(ranked) == 49
    assert rank_trials(engine, large, 3) == ranked[:3]


def test_a_comparison_has_the_facts_of_show(engine, large):
    best, other = (each.trial for each in rank_trials(engine, large)[:4:3])
    found = comparison(engine, large, [best, other])
    for place, trial in enumerate((best, other)):
        facts = trial_facts(engine, large, trial)
        scores = [r["jobs"][place] and r["jobs"][place]["score"] for r in found["rungs"]]
        assert [score for score in scores if score] == [job["score"] for job in facts["jobs"]]
        assert found["cost"]["seconds"][place] == sum(job["seconds"] for job in facts["jobs"])


def test_news_are_every_row_once(engine, large):
    news = ChangeFeed(engine, large)
    kinds = [type(change) for change in news.read()]
    assert [
        kinds.count(kind) for kind in (AttemptStarted, EpochFinished, AttemptEnded, DecisionMade)
    ] == [
        98,
        490,
        98,
        98,
    ]
    assert news.read() == []
    assert ChangeFeed.from_now(engine, large).read() == []


def test_news_of_a_trial_are_its_own(engine, large):
    changes = ChangeFeed(engine, large, trial=3).read()
    assert len(changes) == 8 * len(queries.jobs(engine, large, 3))
    assert {getattr(change, "trial", None) for change in changes} == {3}


def test_running_jobs_are_returned_with_their_epochs(engine, writer, sweep):
    start(writer)
    writer.save_epoch("t1", epoch(1))
    writer.save_epoch("t1", epoch(2))
    started = snapshot(engine, sweep)
    assert (started.done, started.run_totals.running) == ({}, {JobKey(0, 0): 2})
    assert (started.run_totals.images, started.run_totals.working is not None) == (10, True)
    news = ChangeFeed.from_now(engine, sweep)
    writer.save_epoch("t1", epoch(3))
    (change,) = news.read()
    assert (change.trial, change.rung, change.record.epoch) == (0, 0, 3)


def test_the_time_of_a_stage_has_the_annotated_types(engine, large):
    for stage in spent_by_stage(engine, large):
        assert (type(stage.jobs), type(stage.images), type(stage.seconds)) == (int, int, float)
