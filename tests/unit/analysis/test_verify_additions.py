"""Follow-up jobs and retried trials are verified as the ladder is."""

from dataclasses import replace

import pytest

from searchctl.orchestrator.halving.follow_up import FollowUpSettings
from searchctl.orchestrator.halving.job_key import JobKey
from searchctl.orchestrator.storage.rows import JobRow
from tests.sweeps.records import RECORD, epochs, evaluation, lines, row, trial

REPEAT, AUDIT = JobKey(1, 1, "repeat", 1), JobKey(0, 1, "audit", 1)
WINNER = JobKey(1, 1, "audit", 1)


def with_follow_up(repeat=0.75, audit_state="COMPLETE"):
    """The record with one repeat and one audit after the ladder, each with all its evidence."""
    record = replace(RECORD, asked=FollowUpSettings(repeats=2, audit=1))
    ended = {REPEAT: (repeat, "COMPLETE"), AUDIT: (0.625, audit_state), WINNER: (0.5, "COMPLETE")}
    for key, (score, state) in ended.items():
        values = {"state": state, "score": score, "kept_epoch": 1}
        record = replace(
            record,
            jobs={**record.jobs, key: row(JobRow, **key._asdict(), **values)},
            epochs={**record.epochs, key: epochs(1, score)},
            class_scores={**record.class_scores, key: {0: (score, 0.25)}},
            by_images={**record.by_images, key: evaluation(score)},
        )
    return record


def test_jobs_after_the_ladder_are_verified_as_those_on_it():
    assert lines(with_follow_up()) == []
    changed = replace(with_follow_up(), by_images=with_follow_up(repeat=0.5).by_images)
    assert "score of the job (repeat 1) is 0.75, but 0.5 by its images" in lines(changed)[0]
    changed = replace(with_follow_up(), epochs=with_follow_up(repeat=0.5).epochs)
    assert "score of the job (repeat 1) is 0.75, but 0.5 by the scores of" in lines(changed)[0]


@pytest.mark.parametrize(
    ("record", "line"),
    [
        (
            replace(with_follow_up(), asked=FollowUpSettings(repeats=2)),
            "trial 0: state of the job (audit) is 'COM",
        ),
        (
            replace(with_follow_up(), jobs=RECORD.jobs),
            "trial 1: state of the job (repeat 1) is None, ",
        ),
        (
            with_follow_up(audit_state="WAITING"),
            "trial 0: state of the job (audit) is 'WAITING', but '",
        ),
    ],
)
def test_only_the_requested_follow_up_jobs_are_valid(record, line):
    assert lines(record)[0].startswith(f"rung 1, {line}")


@pytest.mark.parametrize(
    ("tried", "lr", "line"),
    [
        (2, 0.3, None),
        (2, 0.4, "trial 3: fingerprint of the params is "),
        (0, 0.1, "trial 0: has failed is False, but True by the cohort that tries it again"),
    ],
)
def test_a_retried_trial_has_failed_and_has_the_same_params(tried, lr, line):
    again = replace(trial(3, lr, "WAITING"), cohort=1)
    record = replace(
        RECORD,
        state="STOPPED",
        planned=[[3, 1], [1]],
        requests=[0, 1],
        trials=[*RECORD.trials, again],
        retried={1: [tried]},
    )
    found = lines(record)
    assert found == [] if line is None else found[0].startswith(line)
