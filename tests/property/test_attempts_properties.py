import random

from hypothesis import given, settings
from hypothesis import strategies as st

from searchctl.orchestrator.driver.attempts import (
    Attempts,
    Ended,
    EpochDone,
    Lost,
    NoteLate,
    Opened,
    StoreResult,
)
from searchctl.orchestrator.driver.out_of_memory import OutOfMemory
from searchctl.orchestrator.halving.bracket import BracketJob, Signal
from searchctl.orchestrator.halving.cohorts import only_cohort
from searchctl.orchestrator.halving.follow_up import FollowUpSettings
from searchctl.orchestrator.halving.rule import Outcome, plan_ladder
from searchctl.orchestrator.halving.schedule import Schedule
from searchctl.trainer.settings.batch import Batch

CAUSES = ["lost", "stopped", "blocked"]


def attempts(trials, max_attempts=1000):
    follow_up = FollowUpSettings(repeats=2, audit=1)
    cohorts = only_cohort(plan_ladder(trials, 8 * trials), "maximize")
    return Attempts(Schedule(cohorts, follow_up), max_attempts)


def outcome(key):
    return Outcome(key.trial, key.rung, (key.trial * 7 + key.rung * 3) % 11 / 10)


def lost(sweep, key, token, chance):
    """Return an event of an attempt without a result."""
    cause = chance.choice([*CAUSES, "out_of_memory"])
    if cause != "out_of_memory":
        return Lost(key, token, cause, "gone")
    batch = sweep.placement(key).batch or Batch(2**60, 1)
    return OutOfMemory(key, token, "none", batch, False, on_gpu=chance.random() < 0.5)


def run(sweep, chance, workers, losses):
    """Run a sweep with so many workers, some of which are lost or report late."""
    now, running, late, stored, decisions = 0.0, [], [], [], []
    while (slot := sweep.next_job(now)) is not Signal.DONE or running:
        now += chance.choice([0.0, 1.0, 40.0])
        if isinstance(slot, BracketJob):
            token = f"{len(sweep.tokens(slot.key))}-{slot.key}"
            sweep.handle(Opened(slot.key, token), now)
            running.append((slot.key, token))
            if len(running) < workers:
                continue
        if late and chance.random() < 0.3:
            key, token = chance.choice(late)
            assert sweep.handle(Ended(key, token, outcome(key)), now) == [NoteLate()]
        if not running:
            continue
        key, token = running.pop(chance.randrange(len(running)))
        late.append((key, token))
        sweep.handle(EpochDone(key, token, chance.randint(1, 3)), now)
        if chance.random() < losses:
            sweep.handle(lost(sweep, key, token, chance), now)
            continue
        (instruction,) = sweep.handle(Ended(key, token, outcome(key)), now)
        assert isinstance(instruction, StoreResult)
        stored.append(key)
        decisions.append(instruction.decisions)
    return stored, [each for each in decisions if each]


@settings(max_examples=50)
@given(st.integers(2, 12), st.integers(1, 6), st.floats(0, 0.7), st.randoms(use_true_random=False))
def test_losses_and_late_results_change_no_decision_and_store_no_job_twice(
    trials, workers, losses, chance
):
    jobs, decisions = run(attempts(trials), random.Random(0), 1, 0.0)
    stored, decided = run(attempts(trials), chance, workers, losses)
    assert decided == decisions
    assert sorted(stored) == sorted(jobs)
    assert len(set(stored)) == len(stored)
