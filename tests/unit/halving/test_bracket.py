import pytest

from searchctl.orchestrator.halving.bracket import Bracket, BracketError, Signal
from searchctl.orchestrator.halving.rule import Outcome, plan_ladder


@pytest.fixture
def bracket():
    return Bracket(plan_ladder(4, 40), "maximize")


def run_rung(bracket, scores):
    rung = bracket.rung.number
    decisions = ()
    for trial, score in scores.items():
        decisions = bracket.record(Outcome(trial, rung, score))
    return decisions


def test_jobs_of_the_first_rung_come_in_the_order_of_trial_numbers(bracket):
    assert [bracket.next_job().trial for _ in range(4)] == [0, 1, 2, 3]


def test_the_slowest_survivors_start_first_also_after_a_lost_worker():
    bracket = Bracket(plan_ladder(8, 80), "maximize")
    for trial, seconds in enumerate([1, 1, 1, 1, 10, 30, 20, 30]):
        bracket.record(Outcome(trial, 0, score=trial, seconds=seconds))
    assert [bracket.next_job().trial for _ in range(3)] == [5, 7, 6]
    bracket.release(7)
    assert [bracket.next_job().trial for _ in range(2)] == [7, 4]


def test_a_full_rung_must_be_in_before_the_next_begins(bracket):
    for _ in range(4):
        bracket.next_job()
    assert bracket.next_job() is Signal.WAIT
    assert run_rung(bracket, {0: 0.1, 1: 0.2, 2: 0.3}) == ()
    assert bracket.next_job() is Signal.WAIT
    bracket.record(Outcome(3, 0, 0.4))
    assert [(bracket.next_job().trial, bracket.rung.number) for _ in range(2)] == [(2, 1), (3, 1)]


def test_the_sweep_is_done_after_the_last_rung(bracket):
    run_rung(bracket, {0: 0.1, 1: 0.2, 2: 0.3, 3: 0.4})
    decisions = run_rung(bracket, {2: 0.5, 3: 0.3})
    assert [(d.trial, d.verdict) for d in decisions] == [(2, "complete"), (3, "complete")]
    assert bracket.finished
    assert bracket.next_job() is Signal.DONE


def test_a_released_job_is_handed_out_again(bracket):
    assert bracket.next_job().trial == 0
    assert bracket.next_job().trial == 1
    bracket.release(0)
    assert bracket.next_job().trial == 0


def test_a_rung_without_a_finite_score_ends_the_sweep_with_a_reason(bracket):
    run_rung(bracket, {0: None, 1: float("nan"), 2: None, 3: float("inf")})
    assert bracket.next_job() is Signal.DONE
    assert "none of 4 trials has a finite score" in bracket.failure


@pytest.mark.parametrize("outcome", [Outcome(9, 0, 0.5), Outcome(0, 1, 0.5)])
def test_a_result_that_was_not_requested_is_refused(bracket, outcome):
    with pytest.raises(BracketError):
        bracket.record(outcome)


def test_a_second_result_of_a_job_is_refused(bracket):
    bracket.record(Outcome(0, 0, 0.5))
    with pytest.raises(BracketError):
        bracket.record(Outcome(0, 0, 0.6))


def test_a_job_that_is_not_running_cannot_be_released(bracket):
    with pytest.raises(BracketError):
        bracket.release(0)


def test_progress_counts_add_up_to_the_cohort(bracket):
    bracket.next_job()
    bracket.record(Outcome(3, 0, 0.4))
    assert (len(bracket.waiting), len(bracket.running), bracket.done) == (2, 1, 1)
    assert bracket.cohort == 4


def test_upcoming_jobs_are_those_of_the_rung_or_of_the_next_one():
    bracket = Bracket(plan_ladder(8, 80), "maximize")  # 8, 4, 2
    upcoming = []
    while not bracket.finished:
        job = bracket.next_job()
        score = None if job.trial > 5 and bracket.rung.number == 0 else 1.0
        bracket.record(Outcome(job.trial, job.rung.number, score))
        upcoming.append(bracket.upcoming)
    assert upcoming == [7, 6, 5, 4, 4, 4, 4, 4, 3, 2, 2, 2, 1, 0]
