import random
from dataclasses import fields, replace

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from searchctl.orchestrator.analysis.verification.record import Record
from searchctl.orchestrator.analysis.verification.verify import verify
from searchctl.orchestrator.halving.bracket import Bracket, Signal
from searchctl.orchestrator.halving.follow_up import NO_FOLLOW_UP
from searchctl.orchestrator.halving.job_key import JobKey
from searchctl.orchestrator.halving.rule import Outcome, plan_ladder
from searchctl.orchestrator.storage.rows import EpochRow, JobRow, TrialRow
from searchctl.orchestrator.storage.writes.writer import TRIAL_STATES
from searchctl.searchspace import Params
from searchctl.trainer.core.results import Evaluation

SCORES = st.one_of(
    st.none(),
    st.sampled_from([0.25, 0.5]),  # ties
    st.floats(0, 1, allow_subnormal=False),
)
STATES = {True: "COMPLETE", False: "DIVERGED"}


def row(cls, **values):
    return cls(**{each.name: values.get(each.name) for each in fields(cls)})


def epochs_of(rung, score, measure):
    """Two epochs as good as `score`, between one that is worse and one that was not validated."""
    worse = score - 1 if measure == "val_miou" else score + 1
    values = enumerate((worse, score, score, None), start=1)
    return [row(EpochRow, rung=rung, epoch=epoch, **{measure: value}) for epoch, value in values]


def evaluation_of(score):
    """Return evidence of images that gives this mIoU and this loss."""
    return Evaluation(score, score, 0.5, 0.25, class_iou=(score, None), class_accuracy=(0.5, None))


def job_of(outcome):
    state = "FAIL" if outcome.failed else STATES[outcome.finite]
    values = {**JobKey(outcome.trial, outcome.rung)._asdict(), "state": state}
    if outcome.finite:
        values |= {"score": outcome.score, "kept_epoch": 2, "weights": "somewhere"}
        values["evaluations"] = {"val": dict(vars(evaluation_of(outcome.score)))}
    return row(JobRow, **values)


def trial_of(number, state):
    params = {"lr": number}
    return TrialRow(number, params, Params(params).fingerprint, state)


def record_of(ladder, direction, outcomes, decisions, finished):
    """Store a sweep as the driver would."""
    measure = "val_miou" if direction == "maximize" else "val_loss"
    states = {d.trial: TRIAL_STATES[d.verdict] for d in decisions}
    jobs = {JobKey(o.trial, o.rung): job_of(o) for o in outcomes}
    scored = {key: job for key, job in jobs.items() if job.state == "COMPLETE"}
    return Record(
        state="COMPLETE" if finished else "RUNNING",
        direction=direction,
        score=measure,
        planned=[[rung.trials for rung in ladder.rungs]],
        asked=NO_FOLLOW_UP,
        trials=[trial_of(n, states.get(n, "RUNNING")) for n in range(ladder.trials)],
        jobs=jobs,
        decisions=decisions,
        epochs={key: epochs_of(key.rung, job.score, measure) for key, job in scored.items()},
        class_scores={key: {0: (job.score, 0.5), 1: (None, None)} for key, job in scored.items()},
        by_images={key: evaluation_of(job.score) for key, job in scored.items()},
        missing_weights=set(),
    )


@st.composite
def records(draw):
    """A sweep that ran to its end, or that was left somewhere on its way."""
    ladder = plan_ladder(draw(st.integers(1, 20)), 100, finalists=draw(st.integers(1, 3)))
    direction = draw(st.sampled_from(["maximize", "minimize"]))
    table = draw(st.lists(SCORES, min_size=ladder.trials, max_size=ladder.trials))
    failed = draw(st.sets(st.integers(0, 19), max_size=3))
    left = draw(st.integers(1, 60))
    bracket, outcomes, decisions = Bracket(ladder, direction), [], []
    while len(outcomes) < left and (job := bracket.next_job()) is not Signal.DONE:
        score = None if job.trial in failed else table[job.trial]
        outcome = Outcome(job.trial, job.rung.number, score, failed=job.trial in failed)
        outcomes.append(outcome)
        decisions += bracket.record(outcome)
    finished = bracket.finished and not bracket.failure
    return record_of(ladder, direction, outcomes, decisions, finished)


@given(records())
def test_every_decision_of_the_bracket_follows_from_stored_evidence(record):
    assert verify(record) == []


@given(records(), st.randoms())
def test_the_order_of_rows_does_not_matter(record, order):
    rows = {name: list(getattr(record, name)) for name in ("decisions", "trials")}
    jobs = list(record.jobs.items())
    for each in (*rows.values(), jobs):
        order.shuffle(each)
    assert verify(replace(record, **rows, jobs=dict(jobs))) == []


def another(value):
    """Return another value of the same kind."""
    match value:
        case None:
            return 1.0
        case str():
            return "pruned" if value != "pruned" else "promoted"
    return value + 1


def with_decision(record, picked):
    position = picked.randrange(len(record.decisions))
    decision = record.decisions[position]
    name = picked.choice([name for name in vars(decision) if name != "rung"])
    changed = replace(decision, **{name: another(getattr(decision, name))})
    decisions = [*record.decisions[:position], *record.decisions[position + 1 :]]
    return replace(record, decisions=[*decisions, changed])


def without_decision(record, picked):
    decisions = list(record.decisions)
    decisions.pop(picked.randrange(len(decisions)))
    return replace(record, decisions=decisions)


def with_decision_twice(record, picked):
    return replace(record, decisions=[*record.decisions, picked.choice(record.decisions)])


def with_job(record, picked):
    decision = picked.choice(record.decisions)
    key = JobKey(decision.trial, decision.rung)
    job = record.jobs[key]
    states = sorted({"COMPLETE", "DIVERGED", "FAIL", "RUNNING"} - {job.state})
    changes = [{"state": picked.choice(states)}, {"score": another(job.score)}]
    if job.state == "COMPLETE":
        changes.append({"kept_epoch": 3})
    changed = replace(job, **picked.choice(changes))
    return replace(record, jobs={**record.jobs, key: changed})


def with_trial(record, picked):
    trial = picked.choice([t for t in record.trials if t.state != "RUNNING"] or [None])
    assume(trial is not None and trial.state != "WAITING")
    states = sorted({"COMPLETE", "PRUNED", "FAIL", "RUNNING"} - {trial.state})
    changed = replace(trial, state=picked.choice(states))
    return replace(record, trials=[changed if t is trial else t for t in record.trials])


def with_images(record, picked):
    assume(record.by_images)
    key = picked.choice(sorted(record.by_images))
    name = picked.choice([n for n in record.jobs[key].evaluations["val"] if n != "scores"])
    value = getattr(record.by_images[key], name)
    another_ = (value[0], value[0]) if isinstance(value, tuple) else value + 1e-6
    changed = replace(record.by_images[key], **{name: another_})
    found = picked.choice([None, "damaged", changed])
    return replace(record, by_images={**record.by_images, key: found})


def with_class(record, picked):
    assume(record.class_scores)
    key = picked.choice(sorted(record.class_scores))
    iou, accuracy = record.class_scores[key][0]
    changes = [{}, {0: (iou + 1e-6, accuracy)}, {0: (iou, 1.0)}, {0: (iou, None)}]
    changes.append({0: (iou, accuracy), 2: (0.0, 0.0)})
    return replace(record, class_scores={**record.class_scores, key: picked.choice(changes)})


def with_params(record, picked):
    position = picked.randrange(len(record.trials))
    trial = record.trials[position]
    changes = [{"params": {"lr": -1}}, {"params": {}}, {"params": None}, {"params_hash": "f00"}]
    trials = list(record.trials)
    trials[position] = replace(trial, **picked.choice(changes))
    return replace(record, trials=trials)


def without_weights(record, picked):
    assume(record.by_images)
    return replace(record, missing_weights={picked.choice(sorted(record.by_images))})


def with_epoch(record, picked):
    assume(record.epochs)
    key = picked.choice(sorted(record.epochs))
    epochs = list(record.epochs[key])
    best = 2 if record.direction == "maximize" else -2
    position, value = picked.choice([(0, best), (3, best), (1, None), (1, best)])
    epochs[position] = replace(epochs[position], **{record.score: value})
    return replace(record, epochs={**record.epochs, key: epochs})


CHANGES = st.sampled_from(
    [
        with_decision,
        without_decision,
        with_decision_twice,
        with_job,
        with_trial,
        with_images,
        with_class,
        with_params,
        without_weights,
        with_epoch,
    ]
)


@settings(max_examples=300)
@given(records(), CHANGES, st.integers(0, 2**32))
def test_every_single_change_of_stored_evidence_is_detected(record, change, seed):
    assume(record.decisions)
    assert verify(change(record, random.Random(seed)))
