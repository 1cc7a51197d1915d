from dataclasses import replace

import pytest

from searchctl.orchestrator.analysis.verification.verify import verify
from searchctl.orchestrator.halving.job_key import JobKey
from searchctl.orchestrator.storage.rows import EpochRow
from searchctl.searchspace import Params
from tests.sweeps.records import BEHIND, RECORD, decided, job, lines, row, without, worked


def test_a_whole_record_follows_from_itself():
    assert verify(RECORD) == []


@pytest.mark.parametrize(
    ("position", "changes", "line"),
    [
        (0, {"rank": 2}, "rung 0, trial 1: rank is 2, but 1 by the scores of its rung"),
        (1, {"cohort": 4}, "rung 0, trial 0: cohort is 4, but 3 by the scores of its rung"),
        (1, {"kept": 2}, "rung 0, trial 0: kept is 2, but 1 by the scores of its rung"),
        (2, {"cutoff": 0.5}, "rung 0, trial 2: cutoff is 0.5, but 0.75 by the scores of its rung"),
        (0, {"margin": 0.5}, "rung 0, trial 1: margin is 0.5, but 0.25 by the scores of its rung"),
        (3, {"verdict": "pruned"}, "rung 1, trial 1: verdict is 'pruned', but 'complete' by"),
        (1, {"reason": "bad luck"}, f"rung 0, trial 0: reason is 'bad luck', but '{BEHIND}' by"),
        (
            1,
            {"score": 0.625},
            "rung 0, trial 0: score of the decision is 0.625, but 0.5 by its job",
        ),
        (2, {"verdict": "diverged"}, "rung 0, trial 2: state of the job is 'FAIL', but 'DIVERGED'"),
        (0, {"trial": 7}, "rung 0, trial 7: state of the job is None, but 'COMPLETE' by its"),
    ],
)
def test_a_changed_decision_is_named_with_both_values(position, changes, line):
    assert any(found.startswith(line) for found in lines(decided(position, **changes)))


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        (
            {"score": 0.5625},
            [
                "rung 0, trial 0: score of the decision is 0.5, but 0.5625 by its job",
                "rung 0, trial 0: score of the job is 0.5625, but 0.5 by its images",
                "rung 0, trial 0: score of the job is 0.5625, but 0.5 by the scores of its epochs",
            ],
        ),
        (
            {"kept_epoch": 1},
            ["rung 0, trial 0: kept epoch is 1, but 2 by the scores of its epochs"],
        ),
    ],
)
def test_a_changed_job_contradicts_its_decision_its_images_and_its_epochs(changes, found):
    assert lines(worked(0, 0, **changes)) == found


def test_of_equal_epochs_the_earliest_must_be_kept():
    assert lines(worked(1, 0, kept_epoch=2)) == [
        "rung 0, trial 1: kept epoch is 2, but 1 by the scores of its epochs"
    ]


def test_a_lower_loss_is_the_better_epoch():
    losses = [row(EpochRow, rung=0, epoch=e, val_loss=v) for e, v in ((1, 0.75), (2, 0.5))]
    record = replace(
        RECORD,
        direction="minimize",
        score="val_loss",
        epochs={**RECORD.epochs, JobKey(0, 0): losses},
    )
    assert not [line for line in lines(record) if "rung 0, trial 0: kept epoch" in line]


def test_damaged_counts_are_one_line():
    record = replace(RECORD, by_images={**RECORD.by_images, JobKey(1, 0): "damaged"})
    line = "rung 0, trial 1: score of the job is 0.75, but 'damaged' by its images"
    assert lines(record) == [line]


@pytest.mark.parametrize(
    ("params", "derived"),
    [
        ({"lr": 0.25}, Params({"lr": 0.25}).fingerprint),
        ({}, Params({}).fingerprint),
        ({"lr": [{}]}, Params({"lr": [{}]}).fingerprint),
        (["lr"], None),
    ],
)
def test_params_have_the_fingerprint_of_the_launch(params, derived):
    trials = [RECORD.trials[0], replace(RECORD.trials[1], params=params), RECORD.trials[2]]
    stored = RECORD.trials[1].params_hash
    assert lines(replace(RECORD, trials=trials)) == [
        f"trial 1: fingerprint of the params is {stored!r}, but {derived!r} by its params"
    ]


def test_weights_that_are_missing_are_named():
    found = lines(replace(RECORD, missing_weights={JobKey(1, 1)}))
    assert found == [
        "rung 1, trial 1: file of the weights is '/runs/w', but 'missing' by its directory"
    ]


def test_evidence_that_is_gone_does_not_count_as_agreeing():
    record = replace(RECORD, by_images={}, epochs={})
    assert "rung 1, trial 1: score of the job is 0.875, but None by its images" in lines(record)
    assert "rung 1, trial 1: kept epoch is 2, but None by the scores of its epochs" in lines(record)


@pytest.mark.parametrize(
    ("record", "line"),
    [
        (
            without(3),
            "rung 1, trial 1: number of decisions is 0, but 1 by the decisions of the rung",
        ),
        (without(1), "rung 0, trial 0: number of decisions is 0, but 1 by the list of trials"),
        (
            decided(3, trial=0),
            "rung 1, trial 0: number of decisions is 1, but 0 by the decisions of",
        ),
        (
            replace(RECORD, decisions=[*RECORD.decisions, RECORD.decisions[3]]),
            "rung 1, trial 1: number of decisions is 2, but 1 by the decisions of the rung below",
        ),
        (
            replace(RECORD, decisions=[*RECORD.decisions, replace(RECORD.decisions[3], rung=2)]),
            "rung 2, trial 1: number of decisions is 1, but 0 by the decisions of the rung below",
        ),
    ],
    ids=["finalist without", "cut without", "of a pruned trial", "two", "beyond the ladder"],
)
def test_exactly_the_trials_of_a_cohort_have_one_decision_each(record, line):
    assert any(found.startswith(line) for found in lines(record))


@pytest.mark.parametrize(
    ("trial", "state", "derived"), [(0, "RUNNING", "PRUNED"), (1, "FAIL", "COMPLETE")]
)
def test_a_trial_has_the_state_of_its_last_decision(trial, state, derived):
    trials = list(RECORD.trials)
    trials[trial] = replace(trials[trial], state=state)
    assert lines(replace(RECORD, trials=trials)) == [
        f"trial {trial}: state is '{state}', but '{derived}' by its last decision"
    ]


def test_a_running_sweep_is_verified_as_far_as_it_is():
    running = dict([job(1, 1, "RUNNING")])
    trials = [replace(t, state="RUNNING") if t.number == 1 else t for t in RECORD.trials]
    record = replace(without(3), state="RUNNING", jobs={**RECORD.jobs, **running}, trials=trials)
    assert verify(record) == []
    assert len(verify(replace(record, state="COMPLETE"))) == 1


def test_missing_decisions_of_a_complete_rung_are_reported():
    record = replace(without(3), state="RUNNING")
    assert "rung 1, trial 1: number of decisions is 0, but 1" in lines(record)[0]
