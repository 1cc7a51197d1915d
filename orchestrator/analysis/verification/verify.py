"""Derives every decision of a sweep again from the stored rows, pure: rows in, discrepancies out.

No database, file or clock; evidence.py reads the rows. Every value that follows from other
rows is derived again: the trials of a cohort from the cohorts that it was drawn from and the seed,
those that a rung compares from the decisions of the rung below, a decision from the scores of its
rung, a score from its job, and the job's score from its images and its epochs. A trial's params
must have the fingerprint of the launch, and a finalist must have weights.
"""

import json
import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping

from searchctl.orchestrator.analysis.verification.discrepancy import Discrepancy, unless_same, wrong
from searchctl.orchestrator.analysis.verification.record import OPEN, ClassScores, Record
from searchctl.orchestrator.draws.points import Point
from searchctl.orchestrator.halving.cut import cut
from searchctl.orchestrator.halving.follow_up import final_winner, follow_up_jobs
from searchctl.orchestrator.halving.job_key import JobKey
from searchctl.orchestrator.halving.rule import Decision, Outcome
from searchctl.orchestrator.storage.rows import EpochRow, TrialRow
from searchctl.orchestrator.storage.writes.writer import TRIAL_STATES
from searchctl.searchspace import Params
from searchctl.trainer.core.results import Evaluation, score_of

SAME = 1e-9
"""Relative difference of a score and its images' score that is only rounding: another CPU adds in
another order."""
SAME_BY_SCRIPT = 1e-4
"""The same of a score that a script computed: often in single precision."""

_FIELDS = ("verdict", "score", "rank", "cohort", "kept", "cutoff", "margin", "reason")
_SUMMARY = ("loss", "miou", "mean_accuracy", "overall_accuracy")


def verify(record: Record) -> list[Discrepancy]:
    """Return every contradiction among a sweep's stored rows.

    An unfinished sweep is verified up to its last decision.
    """
    return [found for check in CHECKS for found in check(record)]


def one_decision_each(record: Record) -> Iterator[Discrepancy]:
    """Every trial that a rung compares has one decision there, and no other trial has any."""
    given = Counter((d.rung, d.trial) for d in record.decisions)
    rungs = (rung for rung in record.rungs if record.due(*rung))
    due = Counter((rung[1], trial) for rung in rungs for trial in set(record.compared(*rung)))
    for rung, trial in sorted(given | due):
        stored, derived = given[rung, trial], due[rung, trial]
        source = "the decisions of the rung below" if rung else "the list of trials"
        yield from unless_same(rung, trial, "number of decisions", stored, derived, source)


def decisions_follow(record: Record) -> Iterator[Discrepancy]:
    """The halving rule gives the decisions and all their evidence from a rung's scores."""
    for cohort, rung in record.rungs:
        decisions, ladder = record.at(cohort, rung), record.planned[cohort]
        planned = ladder[rung + 1] if rung + 1 < len(ladder) else None
        outcomes = [
            Outcome(d.trial, rung, d.score, failed=d.verdict == "failed", violation=d.violation)
            for d in decisions
        ]
        derived = {d.trial: d for d in cut(outcomes, planned, record.direction, record.protected)}
        for d in decisions:
            for name in _FIELDS:
                pair = getattr(d, name), getattr(derived[d.trial], name)
                yield from unless_same(rung, d.trial, name, *pair, "the scores of its rung")


def violations_follow(record: Record) -> Iterator[Discrepancy]:
    """A decision names the limits that the stored measurements of its job's network exceed."""
    for d in record.decisions:
        derived = record.violations.get(JobKey(d.trial, d.rung), "")
        source = "the measurements and halving.limits"
        yield from unless_same(d.rung, d.trial, "exceeded limits", d.violation, derived, source)


def scores_are_the_jobs(record: Record) -> Iterator[Discrepancy]:
    """A decision's score is that of its job, and its decision agrees with the job's state."""
    states = {"failed": "FAIL", "diverged": "DIVERGED"}
    for d in record.decisions:
        job = record.jobs.get(JobKey(d.trial, d.rung))
        state = job.state if job else None
        derived = states.get(d.verdict, "COMPLETE")
        yield from unless_same(d.rung, d.trial, "state of the job", state, derived, "its decision")
        if job:
            yield from unless_same(
                d.rung, d.trial, "score of the decision", d.score, job.score, "its job"
            )


def scores_follow_from_images(record: Record) -> Iterator[Discrepancy]:
    """A job's score follows from the counts of all validation images."""
    if record.underivable:
        return
    for key, job in record.complete_jobs:
        derived: object = record.by_images.get(key)
        if derived is None and record.by_script:
            continue  # not assessable
        if isinstance(derived, Evaluation):
            derived = score_of(derived, record.score)
        rounding = SAME_BY_SCRIPT if record.by_script else SAME
        if derived is None or not _nearly(job.score, derived, rounding):
            yield wrong(key, "score of the job", job.score, derived, "its images")


def evaluations_follow_from_images(record: Record) -> Iterator[Discrepancy]:
    """The validation scores, overall and of each class, follow from the images."""
    for key, job, derived in record.evaluated_jobs:
        stored = (job.evaluations or {}).get("val") or {}
        names = _SUMMARY if stored else ()
        pairs = {f"val {name}": (stored.get(name), getattr(derived, name)) for name in names}
        scores = stored.get("scores") or {}
        further = {n: by for n, by in derived.scores.items() if n in scores or not record.by_script}
        pairs |= {f"val {name}": (scores.get(name), by) for name, by in further.items()}
        pairs |= _by_class(record.class_scores.get(key, {}), derived)
        for what, pair in pairs.items():
            if not _nearly(*pair):
                yield wrong(key, what, *pair, "its images")


def kept_epochs_are_the_best(record: Record) -> Iterator[Discrepancy]:
    """The kept epoch has the best score of all epochs, and that is the job's score."""
    for key, job in record.complete_jobs:
        best = _best_epoch(record.epochs.get(key, ()), record)
        names = ("kept epoch", "score of the job")
        for what, stored, derived in zip(names, (job.kept_epoch, job.score), best, strict=True):
            if stored != derived:
                yield wrong(key, what, stored, derived, "the scores of its epochs")


def follow_up_is_what_was_requested(record: Record) -> Iterator[Discrepancy]:
    """The follow-up jobs are those that the decisions give; in a complete sweep all have ended."""
    due = follow_up_jobs(record.closed, record.asked, record.direction, record.repeats)
    source = "the decisions and the follow-up settings"
    for key in sorted(key for key in record.jobs if key.kind != "ladder" and key not in due):
        yield wrong(key, "state of the job", record.jobs[key].state, None, source)
    for key in due if record.state == "COMPLETE" else ():
        if key not in record.jobs or record.jobs[key].state in OPEN:
            state = record.jobs[key].state if key in record.jobs else None
            yield wrong(key, "state of the job", state, "ended", source)


def the_winner_follows(record: Record) -> Iterator[Discrepancy]:
    """The stored winner is the best finalist, by the scores or the repeats that choose it."""
    if record.winner is None:
        return
    best = final_winner(record.closed, record.repeats, record.asked, record.direction)
    last = max((cohort.last_rung for cohort in record.closed), default=None)
    source = "the scores of the finalists"
    yield from unless_same(last, record.winner, "winner", record.winner, best, source)


def trial_states_agree(record: Record) -> Iterator[Discrepancy]:
    """A trial's state is that of its last decision; without one, or if promoted, it may run."""
    last: dict[int, Decision] = {}
    for decision in sorted(record.decisions, key=lambda d: d.rung):
        last[decision.trial] = decision
    for trial in record.trials:
        verdict = last[trial.number].verdict if trial.number in last else "promoted"
        derived = TRIAL_STATES[verdict]
        if not (trial.state in OPEN and derived in OPEN):
            yield from unless_same(
                None, trial.number, "state", trial.state, derived, "its last decision"
            )


def params_are_those_of_the_launch(record: Record) -> Iterator[Discrepancy]:
    """A trial's params have the fingerprint that is stored with them."""
    for trial in record.trials:
        stored, derived = trial.params_hash, _fingerprint(trial.params)
        what = "fingerprint of the params"
        yield from unless_same(None, trial.number, what, stored, derived, "its params")


def retried_trials_have_failed(record: Record) -> Iterator[Discrepancy]:
    """A trial that tries another one again has its params, and that one has failed."""
    failed = {each.trial for each in record.decisions if each.verdict == "failed"}
    params_of = {each.number: each.params_hash for each in record.trials}
    for cohort, tried in record.retried.items():
        members = [each for each in record.trials if each.cohort == cohort]
        for trial, again in zip(tried, members, strict=False):  # none, until it is drawn
            stored, derived = again.params_hash, params_of.get(trial)
            what, source = "fingerprint of the params", f"trial {trial}, which it tries again"
            yield from unless_same(None, again.number, what, stored, derived, source)
            what, source = "has failed", "the cohort that tries it again"
            yield from unless_same(None, trial, what, trial in failed, True, source)


def cohorts_are_drawn_from_their_sources(record: Record) -> Iterator[Discrepancy]:
    """A cohort's trials are those that its seed and the closed cohorts before it give."""
    trials = {trial.number: trial for trial in record.trials}
    for redraw in record.redraws:
        source = f"the draw of cohort {redraw.cohort} from the seed and the closed cohorts before"
        sources = redraw.stored_source_trials, redraw.source_trials
        what = f"source trials of cohort {redraw.cohort}"
        yield from unless_same(None, redraw.first, what, *sources, source)
        drawn = {redraw.first + n: point for n, point in enumerate(redraw.points)}
        mine = {number for number, trial in trials.items() if trial.cohort == redraw.cohort}
        for number in sorted(mine | drawn.keys()):
            pair = _drawn(trials.get(number)), _as_stored(drawn.get(number))
            for what, stored, derived in zip(("params", "origin"), *pair, strict=True):
                yield from unless_same(None, number, what, stored, derived, source)


def finalists_have_their_weights(record: Record) -> Iterator[Discrepancy]:
    """The finalists' weights are at their stored paths."""
    for key in sorted(record.missing_weights):
        path = record.jobs[key].weights
        yield wrong(key, "file of the weights", path, "missing", "its directory")


CHECKS: tuple[Callable[[Record], Iterable[Discrepancy]], ...] = (
    one_decision_each,
    decisions_follow,
    violations_follow,
    scores_are_the_jobs,
    scores_follow_from_images,
    evaluations_follow_from_images,
    kept_epochs_are_the_best,
    follow_up_is_what_was_requested,
    the_winner_follows,
    trial_states_agree,
    params_are_those_of_the_launch,
    retried_trials_have_failed,
    cohorts_are_drawn_from_their_sources,
    finalists_have_their_weights,
)
"""What must hold in a sweep's stored rows."""


def _best_epoch(epochs: Iterable[EpochRow], record: Record) -> tuple[int | None, float | None]:
    """Return the epoch with the best score (ties: the earliest) and its score."""
    sign = -1 if record.direction == "maximize" else 1
    scores = ((epoch.value(record.score), epoch.epoch) for epoch in epochs)
    ranked = sorted((sign * score, epoch) for score, epoch in scores if score is not None)
    return (ranked[0][1], sign * ranked[0][0]) if ranked else (None, None)


def _by_class(
    stored: ClassScores, derived: Evaluation
) -> dict[str, tuple[float | None, float | None]]:
    """Pair the stored scores of each class with those derived from its images."""
    both = zip(derived.class_iou, derived.class_accuracy, strict=True)
    expected = dict(enumerate(both))
    none = (None, None)
    return {
        f"{name} of class {number}": (stored.get(number, none)[at], expected.get(number, none)[at])
        for number in sorted(stored.keys() | expected.keys())
        for at, name in enumerate(("IoU", "accuracy"))
    }


def _drawn(trial: TrialRow | None) -> tuple[object, object]:
    """Return a stored trial's params and origin."""
    return (trial.params, trial.origin) if trial else (None, None)


def _as_stored(point: Point | None) -> tuple[object, object]:
    """Return a drawn point's params and origin as they are stored."""
    return (json.loads(point.params.to_json()), point.origin) if point else (None, None)


def _fingerprint(params: Mapping[str, object]) -> str | None:
    try:
        return Params(params).fingerprint
    except (TypeError, ValueError):  # values that no trial can hold
        return None


def _nearly(stored: object, derived: object, rounding: float = SAME) -> bool:
    if isinstance(stored, float) and isinstance(derived, float):
        return math.isclose(stored, derived, rel_tol=rounding)
    if isinstance(derived, float) and math.isnan(derived):
        return stored is None  # as it is stored
    return stored == derived
