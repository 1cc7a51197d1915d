from dataclasses import fields, replace

import numpy as np
import pytest

from searchctl.orchestrator.analysis.verification.record import Record
from searchctl.orchestrator.analysis.verification.verify import verify
from searchctl.orchestrator.halving.follow_up import NO_FOLLOW_UP, FollowUpSettings
from searchctl.orchestrator.halving.job_key import JobKey
from searchctl.orchestrator.halving.rule import Decision
from searchctl.orchestrator.storage.rows import EpochRow, JobRow, TrialRow
from searchctl.searchspace import Params
from searchctl.trainer.core.results import Evaluation, ImageCounts
from searchctl.trainer.evaluation.from_counts import evaluation_by_images


def row(cls, **values):
    """Return a row of which only some columns matter."""
    return cls(**{each.name: values.get(each.name) for each in fields(cls)})


def job(trial, rung, state, score=None, **values):
    key = JobKey(trial, rung)
    return key, row(JobRow, **key._asdict(), state=state, score=score, **values)


def trial(number, lr, state):
    return TrialRow(number, {"lr": lr}, Params({"lr": lr}).fingerprint, state)


def evaluation(miou, loss=0.5):
    """Two classes, of which one is in the ground truth."""
    return Evaluation(loss, miou, 0.25, 0.125, class_iou=(miou, None), class_accuracy=(0.25, None))


SUMMARY = {"loss": 0.5, "miou": 0.875, "mean_accuracy": 0.25, "overall_accuracy": 0.125}


def epochs(rung, *scores):
    return [
        row(EpochRow, rung=rung, epoch=number, val_miou=score)
        for number, score in enumerate(scores, start=1)
    ]


AHEAD = "rank 1 of 3, 1 kept, 0.25 ahead of the best that was cut"
BEHIND = "rank 2 of 3, 1 kept, 0.25 behind the last survivor"
RECORD = Record(
    state="COMPLETE",
    direction="maximize",
    score="val_miou",
    planned=[[3, 1]],
    asked=NO_FOLLOW_UP,
    trials=[
        trial(0, 0.1, "PRUNED"),
        trial(1, 0.2, "COMPLETE"),
        trial(2, 0.3, "FAIL"),
    ],
    jobs=dict(
        [
            job(0, 0, "COMPLETE", 0.5, kept_epoch=2),
            job(1, 0, "COMPLETE", 0.75, kept_epoch=1),
            job(2, 0, "FAIL"),
            job(
                1,
                1,
                "COMPLETE",
                0.875,
                kept_epoch=2,
                weights="/runs/w",
                evaluations={"val": SUMMARY},
            ),
        ]
    ),
    decisions=[
        Decision(1, 0, "promoted", 0.75, 1, 3, 1, 0.75, 0.25, AHEAD),
        Decision(0, 0, "pruned", 0.5, 2, 3, 1, 0.75, -0.25, BEHIND),
        Decision(2, 0, "failed", None, None, 3, 1, 0.75, None, "failed: no finite score"),
        Decision(1, 1, "complete", 0.875, 1, 1, 1, 0.875, None, "rank 1 of 1, 1 kept"),
    ],
    epochs={
        JobKey(0, 0): epochs(0, None, 0.5),
        JobKey(1, 0): epochs(0, 0.75, 0.75),
        JobKey(1, 1): epochs(1, 0.25, 0.875),
    },
    class_scores={
        JobKey(0, 0): {0: (0.5, 0.25), 1: (None, None)},
        JobKey(1, 0): {0: (0.75, 0.25)},
        JobKey(1, 1): {0: (0.875, 0.25), 1: (None, None)},
    },
    by_images={
        JobKey(0, 0): evaluation(0.5),
        JobKey(1, 0): evaluation(0.75),
        JobKey(1, 1): evaluation(0.875),
    },
    missing_weights=set(),
)


def decided(position, **changes):
    """Return the record with one decision changed."""
    decisions = list(RECORD.decisions)
    decisions[position] = replace(decisions[position], **changes)
    return replace(RECORD, decisions=decisions)


def worked(trial, rung, **changes):
    """Return the record with one job changed."""
    key = JobKey(trial, rung)
    return replace(RECORD, jobs={**RECORD.jobs, key: replace(RECORD.jobs[key], **changes)})


def without(*positions):
    kept = [d for number, d in enumerate(RECORD.decisions) if number not in positions]
    return replace(RECORD, decisions=kept)


def lines(record):
    return [str(found) for found in verify(record)]


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
    ("changes", "line"),
    [
        ({0: (0.75, 0.25)}, "IoU of class 0 is 0.75, but 0.875"),
        ({0: (0.875, 0.5)}, "accuracy of class 0 is 0.5, but 0.25"),
        ({1: (0.5, None)}, "IoU of class 1 is 0.5, but None"),
        ({2: (None, 0.5)}, "accuracy of class 2 is 0.5, but None"),
    ],
)
def test_scores_of_each_class_follow_from_the_images(changes, line):
    scores = {**RECORD.class_scores, JobKey(1, 1): RECORD.class_scores[JobKey(1, 1)] | changes}
    found = lines(replace(RECORD, class_scores=scores))
    assert found == [f"rung 1, trial 1: {line} by its images"]


def test_rows_of_classes_that_are_gone_are_missed():
    found = lines(replace(RECORD, class_scores={**RECORD.class_scores, JobKey(1, 1): {}}))
    assert found == [
        "rung 1, trial 1: IoU of class 0 is None, but 0.875 by its images",
        "rung 1, trial 1: accuracy of class 0 is None, but 0.25 by its images",
    ]


@pytest.mark.parametrize("name", SUMMARY)
def test_the_stored_evaluation_follows_from_the_images(name):
    found = lines(worked(1, 1, evaluations={"val": SUMMARY | {name: 0.75}}))
    assert found == [f"rung 1, trial 1: val {name} is 0.75, but {SUMMARY[name]} by its images"]


def test_only_rounding_may_be_between_what_is_stored_and_what_images_come_to():
    rounded = SUMMARY | {"miou": 0.875 * (1 + 1e-12)}
    assert lines(worked(1, 1, evaluations={"val": rounded, "test": {"miou": 0.1}})) == []


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


# Two images of 4 and 8 valid pixels. No pixel of class 2 is in the ground truth; all of class 3
# are missed.
COUNTS = ImageCounts(
    counts=np.array(
        [
            [[1, 1, 1], [1, 0, 1], [0, 1, 0], [0, 0, 0]],
            [[3, 0, 1], [2, 1, 0], [0, 2, 0], [0, 0, 2]],
        ],
        dtype=np.uint32,
    ),
    loss_sums=np.array([2.0, 4.0]),
    pixels=np.array([4, 8]),
)


def test_scores_are_means_over_classes_in_the_ground_truth_of_pooled_counts():
    found = evaluation_by_images(COUNTS)
    assert found.class_iou == (4 / 7, 3 / 5, None, 0)
    assert found.class_accuracy == (4 / 6, 3 / 4, None, 0)
    assert found.miou == pytest.approx((4 / 7 + 3 / 5 + 0) / 3, rel=1e-15)
    assert found.mean_accuracy == pytest.approx((4 / 6 + 3 / 4 + 0) / 3, rel=1e-15)
    assert found.overall_accuracy == 7 / 12


def test_loss_is_the_mean_over_all_valid_pixels():
    assert evaluation_by_images(COUNTS).loss == 0.5


@pytest.mark.parametrize("pixels", [0, 7])
def test_images_without_a_valid_pixel_come_to_nothing(pixels):
    nothing = ImageCounts(np.zeros((1, 3, 3), np.uint32), np.zeros(1), np.array([pixels]))
    assert evaluation_by_images(nothing) is None
    assert evaluation_by_images(None) is None


def test_what_images_come_to_is_what_the_trainer_says():
    from searchctl.trainer.evaluation.metrics import pooled_evaluation

    confusions = np.random.default_rng(0).integers(0, 900, size=(40, 19, 19))
    hits = confusions.diagonal(axis1=1, axis2=2)
    outcomes = [hits, confusions.sum(axis=1) - hits, confusions.sum(axis=2) - hits]
    losses = np.random.default_rng(1).random(40) * 1e5
    counts = ImageCounts(np.stack(outcomes, axis=2), losses, confusions.sum(axis=(1, 2)))
    trained = pooled_evaluation(confusions.sum(axis=0), float(losses.sum()))
    assert vars(evaluation_by_images(counts)) == {
        name: pytest.approx(value, rel=1e-14) for name, value in vars(trained).items()
    }
