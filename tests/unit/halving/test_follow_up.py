import pytest

from searchctl.orchestrator.halving.bracket import BracketError, Signal
from searchctl.orchestrator.halving.closed import ClosedCohort
from searchctl.orchestrator.halving.cohorts import only_cohort
from searchctl.orchestrator.halving.follow_up import (
    NO_FOLLOW_UP,
    FollowUpSettings,
    draw,
    follow_up_jobs,
    follow_up_settings,
    training_seed,
)
from searchctl.orchestrator.halving.job_key import JobKey
from searchctl.orchestrator.halving.rule import Outcome, plan_ladder
from searchctl.orchestrator.halving.schedule import Schedule


def scored(trial):
    """Trial 3 is the best, then 2; trial 1 diverges."""
    return None if trial == 1 else trial / 10


LADDER = plan_ladder(8, 64)


def jobs_after(decisions, settings):
    """The follow-up jobs of one cohort."""
    return follow_up_jobs([ClosedCohort(decisions, 2, 2)], settings, "maximize")


def schedule_of(settings, score=scored):
    """The schedule of a sweep whose ladder has ended, and its decisions."""
    schedule, decisions = Schedule(only_cohort(LADDER, "maximize"), settings), []
    while not schedule.cohorts.finished:
        job = schedule.next_job()
        outcome = Outcome(job.trial, job.rung.number, score(job.trial))
        decisions += schedule.record(job.key, outcome)
    return schedule, decisions


def names(jobs):
    return [(job.trial, job.kind, job.repeat) for job in jobs]


def test_repeats_come_seed_by_seed_and_the_best_finalist_first():
    _, decisions = schedule_of(NO_FOLLOW_UP)
    assert names(jobs_after(decisions, FollowUpSettings(repeats=3))) == [
        (7, "repeat", 1),
        (6, "repeat", 1),
        (7, "repeat", 2),
        (6, "repeat", 2),
    ]


def test_only_trials_that_were_pruned_by_rank_are_audited():
    _, decisions = schedule_of(NO_FOLLOW_UP)
    *audited, winner = jobs_after(decisions, FollowUpSettings(audit=99))
    assert {job.trial for job in audited} == {0, 2, 3, 4, 5}  # not 1, which diverged
    assert {(job.rung, job.kind, job.repeat) for job in (*audited, winner)} == {(2, "audit", 1)}
    assert winner.trial == 7
    old = FollowUpSettings(audit=99, new_seed=False)
    assert jobs_after(decisions, old) == tuple(job._replace(repeat=0) for job in audited)


def test_the_audit_trains_the_winner_once_the_repeats_have_chosen_it():
    schedule, _ = schedule_of(FollowUpSettings(repeats=2, audit=1, choose="mean"))
    scores = {6: 1.0, 7: 0.1}
    jobs = [schedule.next_job() for _ in range(3)]
    assert [(job.trial, job.kind) for job in jobs[:2]] == [(7, "repeat"), (6, "repeat")]
    schedule.record(jobs[2].key, Outcome(jobs[2].trial, 2, 0.5))
    for job in jobs[:2]:
        assert schedule.next_job() is Signal.WAIT
        schedule.record(job.key, Outcome(job.trial, 2, scores[job.trial]))
    last = schedule.next_job()
    assert last.key == JobKey(6, 2, "audit", 1)
    schedule.record(last.key, Outcome(6, 2, 0.5))
    assert schedule.finished


def test_nothing_follows_a_ladder_that_has_not_ended_or_has_no_answer():
    _, decisions = schedule_of(NO_FOLLOW_UP)
    assert jobs_after(decisions[:-2], FollowUpSettings(2, 2)) == ()
    schedule, decisions = schedule_of(FollowUpSettings(2, 2), score=lambda trial: None)
    assert jobs_after(decisions, FollowUpSettings(2, 2)) == ()
    assert schedule.finished


def test_a_repeat_has_the_same_seed_for_all_finalists_and_the_audit_one_of_its_own():
    first, other = (training_seed(JobKey(trial, 2, "repeat", 1), 7) for trial in (6, 7))
    assert first == other != training_seed(JobKey(6, 2, "repeat", 2), 7)
    assert training_seed(JobKey(6, 2), 7) == training_seed(JobKey(3, 2, "audit"), 7) == 7
    audit = training_seed(JobKey(3, 2, "audit", 1), 7)
    assert audit == training_seed(JobKey(6, 2, "audit", 1), 7) not in (7, first)
    assert 7 != first != training_seed(JobKey(6, 2, "repeat", 1), 8)


def test_every_pruned_trial_is_drawn_about_as_often():
    counts = dict.fromkeys(range(10), 0)
    for seed in range(2000):
        for trial in draw(counts, 3, seed):
            counts[trial] += 1
    assert all(abs(count - 600) < 100 for count in counts.values())  # about 5 deviations


def test_jobs_after_the_ladder_are_handed_out_when_the_last_verdict_is_made():
    schedule, _ = schedule_of(FollowUpSettings(repeats=2, audit=1))
    assert not schedule.finished
    jobs = [schedule.next_job() for _ in range(4)]
    assert [job.kind for job in jobs] == ["repeat", "repeat", "audit", "audit"]
    assert {job.rung.images for job in jobs} == {64}
    assert schedule.next_job() is Signal.WAIT
    for job in jobs:
        assert schedule.record(job.key, Outcome(job.trial, 2, None)) == ()
    assert schedule.finished
    assert schedule.next_job() is Signal.DONE


def test_a_lost_job_is_retried_unless_it_is_held_back():
    schedule, _ = schedule_of(FollowUpSettings(repeats=2))
    job = schedule.next_job()
    schedule.release(job.key)
    assert schedule.next_job({job.key}).key != job.key
    assert schedule.next_job() == job
    with pytest.raises(BracketError, match="the repeat 2 of trial 7 is not running"):
        schedule.release(JobKey(7, 2, "repeat", 2))


def test_a_result_of_a_job_that_was_not_requested_is_refused():
    schedule, _ = schedule_of(FollowUpSettings(repeats=2))
    job = schedule.next_job()
    schedule.record(job.key, Outcome(job.trial, 2, 0.5))
    for key in (job.key, JobKey(7, 2, "audit")):
        with pytest.raises(BracketError, match=f"trial 7 has no unfinished {key.place}"):
            schedule.record(key, Outcome(7, 2, 0.5))


def test_a_sweep_of_an_older_searchctl_has_no_follow_up_jobs():
    assert follow_up_settings({"halving": {"eta": 2}, "seed": 3}) == FollowUpSettings(
        1, 0, 3, new_seed=False
    )
    assert follow_up_settings({}) == NO_FOLLOW_UP
