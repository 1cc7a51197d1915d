"""Events of attempts and the instructions that follow from them: no database, no clock, no jobs."""

import pytest

from searchctl.orchestrator.driver.attempts import (
    BACK_OFF_S,
    Attempts,
    BlockSweep,
    CloseAttempt,
    Ended,
    EpochDone,
    Lost,
    NoteLate,
    Opened,
    ReportLoss,
    StoreFailure,
    StoreResult,
)
from searchctl.orchestrator.halving.bracket import BracketError, BracketJob, Signal
from searchctl.orchestrator.halving.cohorts import only_cohort
from searchctl.orchestrator.halving.follow_up import NO_FOLLOW_UP
from searchctl.orchestrator.halving.job_key import JobKey
from searchctl.orchestrator.halving.rule import Outcome, plan_ladder
from searchctl.orchestrator.halving.schedule import Schedule

NOW = 1000.0
LATER = NOW + 3600
JOB = JobKey(0, 0)


def attempts(trials=4, max_attempts=3, on_oom="auto"):
    ladder = plan_ladder(trials, 8 * trials)
    return Attempts(Schedule(only_cohort(ladder, "maximize"), NO_FOLLOW_UP), max_attempts, on_oom)


@pytest.fixture
def running():
    """A sweep of four trials, with the first attempt at job 0 open."""
    return opened(attempts())


def opened(sweep, token="a", now=NOW):
    """Open an attempt at the next job."""
    slot = sweep.next_job(now)
    assert isinstance(slot, BracketJob), slot
    assert sweep.handle(Opened(slot.key, token), now) == []
    return sweep


def lost(token, cause="lost", error="gone", stopping=False, key=JOB):
    return Lost(key, token, cause, error, stopping)


def ended(token, score=0.5, failed=False, key=JOB):
    return Ended(key, token, Outcome(key.trial, key.rung, score, failed))


SHARED = "the disk is full\n\nTraceback: ..."
BLOCKED = [CloseAttempt("stopped", SHARED), BlockSweep("the disk is full")]
RETRIED, HELD = CloseAttempt("lost", "gone"), CloseAttempt("stopped", "stopped")
LOSS = ReportLoss("gone", 1)
NOT_COUNTED = CloseAttempt("stopped", "gone")


@pytest.mark.parametrize(
    ("event", "instructions"),
    [
        (EpochDone(JOB, "a", 1), []),
        (ended("a"), [StoreResult(())]),
        (ended("a", None), [StoreResult(())]),
        (ended("a", None, failed=True), [StoreResult(())]),
        (lost("a"), [LOSS, RETRIED]),
        (lost("a", "stopped"), [LOSS, NOT_COUNTED]),
        (lost("a", "blocked"), [LOSS, NOT_COUNTED]),
        (
            lost("a", "unusable", SHARED),
            [
                ReportLoss(SHARED, 1),
                CloseAttempt("stopped", SHARED),
                BlockSweep("the disk is full"),
            ],
        ),
        *((lost("a", cause, stopping=True), [HELD]) for cause in ("lost", "stopped", "blocked")),
        (lost("a", "unusable", stopping=True), [HELD]),
        (EpochDone(JOB, "another", 1), []),
        (ended("another"), [NoteLate()]),
        (lost("another"), [NoteLate()]),
        (lost("a", key=JobKey(1, 0)), [NoteLate()]),
        (lost("a", key=JobKey(0, 0, "audit")), [NoteLate()]),
        (ended("a", key=JobKey(3, 1)), [NoteLate()]),
    ],
)
def test_each_event_has_its_actions(event, instructions, running):
    assert running.handle(event, NOW) == instructions


@pytest.mark.parametrize("first", [ended("a"), lost("a"), lost("a", stopping=True)])
@pytest.mark.parametrize("second", [ended("a", 0.9), lost("a")])
def test_an_attempt_ends_once_and_later_events_are_late(first, second, running):
    assert running.handle(first, NOW) != [NoteLate()]
    assert running.handle(second, NOW) == [NoteLate()]
    assert running.handle(EpochDone(JOB, "a", 5), NOW) == []


def test_a_late_result_leaves_the_attempt_that_replaced_it_open(running):
    running.handle(lost("a"), NOW)
    opened(running, "b")
    assert running.handle(ended("a"), NOW) == [NoteLate()]
    assert running.handle(ended("b"), NOW) == [StoreResult(())]


def test_the_last_result_of_a_rung_comes_with_the_decisions_on_all_of_it():
    sweep = attempts()
    for trial in range(4):
        opened(sweep, f"{trial}")
    keys = [JobKey(trial, 0) for trial in range(4)]
    for trial in (2, 0, 3):
        event = ended(f"{trial}", trial / 10, key=keys[trial])
        assert sweep.handle(event, NOW) == [StoreResult(())]
    (stored,) = sweep.handle(ended("1", 0.9, key=keys[1]), NOW)
    assert [(each.trial, each.verdict) for each in stored.decisions] == [
        (1, "promoted"),
        (3, "promoted"),
        (2, "pruned"),
        (0, "pruned"),
    ]


def test_a_job_that_is_lost_too_often_has_failed_with_its_last_error():
    sweep = attempts(trials=2)
    for number, token in enumerate("abc", start=1):
        opened(sweep, token, LATER * number)
        followed = sweep.handle(lost(token, error=f"error {number}"), LATER * number)
        assert followed[0] == ReportLoss(f"error {number}", number)
    assert followed[1:] == [StoreFailure("lost 3 times: error 3", ())]
    opened(sweep, "d", LATER * 9)
    (last,) = sweep.handle(ended("d", 0.5, key=JobKey(1, 0)), NOW)
    assert [(each.trial, each.verdict) for each in last.decisions] == [
        (1, "complete"),
        (0, "failed"),
    ]


def test_a_job_that_is_blocked_too_often_blocks_the_sweep_and_fails_no_trial():
    sweep = attempts(max_attempts=2)
    opened(sweep, "a").handle(lost("a", "blocked", SHARED), NOW)
    followed = opened(sweep, "b", LATER).handle(lost("b", "blocked", SHARED), LATER)
    assert followed == [ReportLoss(SHARED, 2), *BLOCKED]


@pytest.mark.parametrize(
    ("epochs", "losses"),
    [
        ((None, None, None), [1, 2, 3]),
        ((1, 2, 3), [1, 1, 1]),
        ((1, 1, 1), [1, 2, 3]),  # each attempt started again from scratch
        ((2, 1, 3), [1, 2, 1]),
    ],
)
def test_losses_count_since_the_job_last_resumed_later(epochs, losses):
    sweep, counted = attempts(max_attempts=9), []
    for number, epoch in enumerate(epochs, start=1):
        opened(sweep, str(number), LATER * number)
        if epoch:
            sweep.handle(EpochDone(JOB, str(number), epoch), NOW)
        report, _ = sweep.handle(lost(str(number)), LATER * number)
        counted.append(report.losses)
    assert counted == losses


def test_an_epoch_of_a_replaced_attempt_is_no_progress():
    sweep = opened(attempts())
    sweep.handle(lost("a"), NOW)
    opened(sweep, "b", LATER).handle(EpochDone(JOB, "a", 7), LATER)
    assert sweep.handle(lost("b"), LATER)[0] == ReportLoss("gone", 2)


@pytest.mark.parametrize(
    ("losses", "wait"), [*enumerate(BACK_OFF_S, start=1), (4, 30.0), (9, 30.0)]
)
def test_a_lost_job_is_held_back_for_longer_after_each_loss(losses, wait):
    sweep = attempts(trials=2, max_attempts=99)
    slots = [sweep.next_job(NOW), sweep.next_job(NOW)]  # the other trial is at work all the time
    for number in range(1, losses + 1):
        if number > 1:
            slots[0] = sweep.next_job(LATER * number)
        assert slots[0].key == JOB
        sweep.handle(Opened(JOB, str(number)), NOW)
        sweep.handle(lost(str(number)), LATER * number)
    lost_at = LATER * losses
    if wait:
        assert sweep.next_job(lost_at) is Signal.WAIT
        assert sweep.next_job(lost_at + wait - 0.1) is Signal.WAIT
    assert sweep.next_job(lost_at + wait).key == JOB


def test_another_job_starts_while_a_lost_one_is_held_back(running):
    running.handle(lost("a"), NOW)
    opened(running, "b").handle(lost("b"), NOW)
    assert running.next_job(NOW).key == JobKey(1, 0)
    assert running.next_job(NOW + BACK_OFF_S[1]).key == JOB


def test_a_job_that_a_stop_ended_does_not_start_again(running):
    running.handle(lost("a", stopping=True), NOW)
    assert [running.next_job(LATER).key.trial for _ in range(3)] == [1, 2, 3]
    assert running.next_job(LATER) is Signal.WAIT


def test_stored_attempts_and_outcomes_give_the_same_state_and_decisions():
    stored = [(JobKey(trial, 0), Outcome(trial, 0, trial / 10)) for trial in range(4)]
    tokens = [(JOB, "a", "lost"), (JOB, "b", "stopped"), (JobKey(3, 1), "c", "lost")]
    sweep = attempts(max_attempts=2)
    decisions = sweep.replay(tokens, stored)
    assert [each.trial for each in decisions] == [3, 2, 1, 0]
    assert sweep.tokens(JOB) == ("a", "b")
    assert sweep.next_job(NOW).key == JobKey(2, 1)  # of equally fast survivors, by their numbers
    third = sweep.next_job(NOW).key
    sweep.handle(Opened(third, "d"), NOW)
    _, failed = sweep.handle(lost("d", key=third), NOW)
    assert failed == StoreFailure("lost 2 times: gone", ())  # the loss that was stored counts


def test_a_failed_job_that_is_entered_again_has_lost_nothing_yet():
    sweep = attempts(max_attempts=2)
    sweep.replay([(JOB, "a", "lost"), (JOB, "b", "failed")], [])
    opened(sweep, "c")
    assert sweep.handle(lost("c"), NOW) == [ReportLoss("gone", 1), RETRIED]


def test_an_outcome_that_the_others_do_not_lead_to_is_refused():
    with pytest.raises(BracketError):
        attempts().replay([], [(JobKey(0, 1), Outcome(0, 1, 0.5))])


def test_tokens_are_those_of_all_attempts_in_their_order(running):
    running.handle(lost("a"), NOW)
    opened(running, "b").handle(lost("b"), NOW)
    opened(running, "c", LATER)
    assert running.tokens(JOB) == ("a", "b", "c")
    assert running.tokens(JobKey(1, 0)) == ()


def test_the_sweep_is_done_when_its_schedule_is():
    sweep = attempts(trials=2)
    for trial in range(2):
        opened(sweep, str(trial)).handle(ended(str(trial), key=JobKey(trial, 0)), NOW)
    assert sweep.next_job(NOW) is Signal.DONE
    assert sweep.schedule.finished


def test_epochs_after_the_first_report_of_an_attempt_are_no_progress_yet():
    sweep = opened(attempts())
    for epoch in (1, 2, 3):
        sweep.handle(EpochDone(JOB, "a", epoch), NOW)
    sweep.handle(lost("a"), NOW)
    opened(sweep, "b", LATER).handle(EpochDone(JOB, "b", 2), LATER)  # from epoch 1's checkpoint
    assert sweep.handle(lost("b"), LATER)[0] == ReportLoss("gone", 1)
    opened(sweep, "c", 2 * LATER).handle(EpochDone(JOB, "c", 2), 2 * LATER)
    assert sweep.handle(lost("c"), 2 * LATER)[0] == ReportLoss("gone", 2)
