import pytest

from searchctl.orchestrator.artifacts.retention import JobFile, Retention, RetentionReason
from searchctl.orchestrator.halving.job_key import JobKey
from searchctl.orchestrator.halving.rule import Decision
from searchctl.orchestrator.storage.rows import AttemptRow, JobRow

LADDER = [{"rung": 0, "trials": 4}, {"rung": 1, "trials": 2}]
WEIGHTS = "model.safetensors"


def row(cls, **values):
    return cls(**{name: values.get(name) for name in cls.__annotations__})


def retention(states, decided=(), *, warm=False, runs="/data/runs/quick"):
    """Jobs of trial 3 by rung, each after a lost attempt 'old' and its last one, 'new'."""
    outcomes = {"old": "lost", "new": "complete"}
    tried = [(JobKey(3, rung), token) for rung in states for token in outcomes]
    return Retention(
        [
            row(
                JobRow,
                **JobKey(3, rung)._asdict(),
                state=state,
                weights=f"{runs}/trial-0003/rung-{rung}/new/{WEIGHTS}",
                features=f"{runs}/trial-0003/rung-{rung}/new/features.png",
            )
            for rung, state in states.items()
        ],
        [row(AttemptRow, **k._asdict(), token=t, outcome=outcomes[t]) for k, t in tried],
        [row(Decision, trial=3, rung=rung, verdict=v) for rung, v in enumerate(decided)],
        ladder=LADDER,
        warm=warm,
    )


def fate(known, rung, file=WEIGHTS, token="new"):
    return known.reason(JobFile(JobKey(3, rung), token, file))


@pytest.mark.parametrize("state", ["RUNNING", "WAITING"])
@pytest.mark.parametrize("token", ["old", "new", "unknown"])
@pytest.mark.parametrize("file", ["checkpoint.pt", WEIGHTS, ".checkpoint.pt.1f"])
def test_nothing_of_an_unfinished_job_goes(state, token, file):
    assert fate(retention({0: state}), 0, file, token) is RetentionReason.UNFINISHED


@pytest.mark.parametrize("state", ["COMPLETE", "DIVERGED", "FAIL"])
@pytest.mark.parametrize(("token", "file"), [("new", "checkpoint.pt"), ("old", WEIGHTS)])
def test_all_but_the_kept_weights_of_a_finished_job_goes(state, token, file):
    assert fate(retention({1: state}), 1, file, token) is RetentionReason.DONE


@pytest.mark.parametrize(
    ("token", "expected"), [("new", RetentionReason.PICTURE), ("old", RetentionReason.DONE)]
)
@pytest.mark.parametrize("file", ["features.png", "masks.png"])
def test_the_pictures_of_a_finished_job_stay(token, expected, file):
    assert fate(retention({1: "COMPLETE"}), 1, file, token) is expected


@pytest.mark.parametrize(
    ("decided", "expected"),
    [
        (["promoted"], RetentionReason.UNDECIDED),
        (["promoted", "complete"], RetentionReason.FINALIST),
        (["promoted", "failed"], RetentionReason.DONE),
    ],
)
@pytest.mark.parametrize("warm", [False, True])
def test_the_weights_of_the_last_rung_stay_unless_they_have_no_score(decided, expected, warm):
    known = retention({0: "COMPLETE", 1: "COMPLETE"}, decided, warm=warm)
    assert fate(known, 1) is expected


@pytest.mark.parametrize(
    ("above", "decided", "expected"),
    [
        ({}, [], RetentionReason.UNDECIDED),
        ({}, ["promoted"], RetentionReason.NEXT_RUNG),
        ({1: "RUNNING"}, ["promoted"], RetentionReason.NEXT_RUNG),
        ({1: "WAITING"}, ["promoted"], RetentionReason.NEXT_RUNG),
        ({1: "COMPLETE"}, ["promoted"], RetentionReason.DONE),
        ({1: "FAIL"}, ["promoted"], RetentionReason.DONE),
        ({}, ["pruned"], RetentionReason.DONE),
        ({}, ["diverged"], RetentionReason.DONE),
    ],
)
def test_warm_weights_stay_until_the_job_that_starts_from_them_is_finished(
    above, decided, expected
):
    states = {0: "COMPLETE", **above}
    assert fate(retention(states, decided, warm=True), 0) is expected
    assert fate(retention(states, decided, warm=False), 0) is RetentionReason.DONE


@pytest.mark.parametrize("runs", ["s3://bucket/runs/quick", "/elsewhere/quick"])
def test_a_finalists_weights_stay_wherever_the_runs_directory_was(runs):
    known = retention({1: "COMPLETE"}, ["promoted", "complete"], runs=runs)
    assert fate(known, 1) is RetentionReason.FINALIST


def test_an_attempt_is_known_at_its_own_job_only():
    known = retention({0: "COMPLETE", 1: "COMPLETE"}, ["promoted", "complete"])
    assert fate(known, 1, token="unknown") is RetentionReason.STRAY
    assert known.reason(JobFile(JobKey(2, 1), "new", WEIGHTS)) is RetentionReason.STRAY


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("trial-0003/rung-1/new/checkpoint.pt", JobFile(JobKey(3, 1), "new", "checkpoint.pt")),
        ("trial-12345/rung-10/a/b/c", JobFile(JobKey(12345, 10), "a", "b/c")),
        ("trial-0003/rung-1/notes.txt", None),
        ("trial-0003/notes.txt", None),
        ("report/rung-1/new/checkpoint.pt", None),
        ("more/trial-0003/rung-1/new/checkpoint.pt", None),
    ],
)
def test_only_files_of_jobs_have_a_place(path, place):
    assert JobFile.parse(path) == place


@pytest.mark.parametrize(
    ("decided", "over"), [([], False), (["promoted"], False), (["promoted", "pruned"], True)]
)
def test_a_trial_is_over_with_its_last_decision(decided, over):
    assert retention({0: "COMPLETE"}, decided).is_over("trial-0003") is over
    assert retention({}).is_over("trial-0004")  # there is no such trial
