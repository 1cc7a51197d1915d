"""Gathers the facts of a report from the database; reads no file."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from fractions import Fraction
from statistics import median
from typing import TypeVar

from sqlalchemy import Engine

from searchctl.orchestrator.analysis.explain import explain_trial
from searchctl.orchestrator.analysis.fidelity import read_fidelity
from searchctl.orchestrator.analysis.follow_up import read_follow_up
from searchctl.orchestrator.analysis.tradeoff import read_tradeoff
from searchctl.orchestrator.artifacts.retention import MASKS
from searchctl.orchestrator.core.errors import SearchctlError
from searchctl.orchestrator.draws.distributions import distributions
from searchctl.orchestrator.facts.baseline import read_baseline
from searchctl.orchestrator.facts.ranking import first_scores
from searchctl.orchestrator.facts.text import counted
from searchctl.orchestrator.halving.job_key import key_of
from searchctl.orchestrator.planning.grade import grade
from searchctl.orchestrator.report.chosen_classes import chosen_classes, label_shares, unlabeled
from searchctl.orchestrator.report.facts import (
    FORMAT,
    Answer,
    ChosenClass,
    Picture,
    Report,
    Unlabeled,
)
from searchctl.orchestrator.report.options import contrasts
from searchctl.orchestrator.report.stored import Stored
from searchctl.orchestrator.report.training import Training
from searchctl.orchestrator.report.trial_facts import ClassScores, Curve, TrialFacts
from searchctl.orchestrator.search.importance import LEAST_TRIALS, Importance, Scored, importance
from searchctl.orchestrator.storage.reads import queries
from searchctl.orchestrator.storage.reads.costs import summed
from searchctl.orchestrator.storage.rows import SweepRow
from searchctl.searchspace import Interval
from searchctl.searchspace.branches import flat, setting
from searchctl.trainer.core.errors import TrainerError

MOST_FINALISTS = 6
"""More lines in one chart cannot be distinguished."""
Section = TypeVar("Section")


def gather(engine: Engine, row: SweepRow, price_per_gpu_hour: float | None = None) -> Report:
    """Return the facts of a sweep, finished or not; with its price, if one is given."""
    stored = Stored.read(engine, row)
    missing: dict[str, str] = {}
    section = _Sections(missing)
    trials = stored.trial_facts()
    finalists = _finalists(trials)
    training = Training(engine, row, stored.sweep.halving.ranked_by)
    graded = section("grade", lambda: grade(engine, row, sweep=stored.sweep))
    classes = [scores for each in finalists for scores in _classes(training, each)]
    return Report(
        format=FORMAT,
        made_at=datetime.now(UTC),
        about=stored.about(),
        answer=section("answer", lambda: _answer(stored, trials, price_per_gpu_hour)),
        ladder=stored.rungs(),
        trials=trials,
        finalists=[each.trial for each in finalists],
        curves=[curve for each in finalists for curve in _curves(training, each)],
        classes=classes,
        chosen_classes=section("chosen_classes", lambda: _chosen(stored, classes)) or [],
        contrasts=contrasts(trials, training, row.direction),
        importance=section("importance", lambda: _importance(stored, trials)),
        fidelity=section("fidelity", lambda: read_fidelity(engine, row, stored.rows)),
        tradeoff=section("tradeoff", lambda: read_tradeoff(engine, row)),
        appraisal=section("appraisal", lambda: read_follow_up(engine, row, stored.rows)),
        grade=graded,
        unlabeled=section("unlabeled", lambda: _unlabeled(stored, finalists)),
        masks=section("masks", lambda: _masks(stored, finalists)) or [],
        features=_features(stored, finalists),
        missing=missing,
        log_params=_log_params(stored),
    )


class _Sections:
    """Makes sections, and records why some cannot be made."""

    def __init__(self, missing: dict[str, str]) -> None:
        self._missing = missing

    def __call__(self, name: str, make: Callable[[], Section]) -> Section | None:
        try:
            return make()
        except (SearchctlError, TrainerError) as error:
            self._missing[name] = str(error)
            return None


def _finalists(trials: Sequence[TrialFacts]) -> list[TrialFacts]:
    """Return the best trials with a rank on the most images; cut ones only if all are cut."""
    ranked = [each for each in trials if each.place is not None]
    most = [max(step.images for step in each.steps if step.rank) for each in ranked]
    top = [each for each, images in zip(ranked, most, strict=True) if images == most[0]]
    return ([each for each in top if each.state != "PRUNED"] or top)[:MOST_FINALISTS]


def _answer(
    stored: Stored, trials: Sequence[TrialFacts], price_per_gpu_hour: float | None
) -> Answer:
    if not trials or trials[0].place is None:
        raise SearchctlError("No rung is closed yet, or no trial has a score.")
    best = trials[0]
    step = [each for each in best.steps if each.rank is not None][-1]
    explained = explain_trial(stored.engine, stored.row, best.trial, step.rung, stored.rows)
    start = first_scores(stored.row, stored.jobs)
    rungs = [rung for cohort in stored.cohorts for rung in cohort.ladder]
    return Answer(
        trial=best.trial,
        rung=step.rung,
        score=step.score or 0.0,
        mean=stored.ranked[best.trial].mean,
        seeds=stored.ranked[best.trial].seeds,
        params=best.params,
        test=best.evaluations.get("test"),  # type: ignore[arg-type]
        test_original=best.evaluations.get("test_original"),  # type: ignore[arg-type]
        median_at_start=median(start) if start else None,
        certainty=explained.certainty,
        comparison=explained.rungs[0].comparison,
        full_trainings=float(sum(each["trials"] * Fraction(each["fraction"]) for each in rungs)),
        images=sum(job.images_seen or 0 for job in stored.jobs),
        seconds=sum(job.seconds or 0.0 for job in stored.jobs),
        gpu_seconds=sum(job.gpu_seconds or 0.0 for job in stored.jobs),
        violation=best.violation,
        baseline=read_baseline(stored.engine, stored.row, stored.rows),
        price_per_gpu_hour=price_per_gpu_hour,
        copied=summed(job.reused_from for job in stored.jobs if job.reused_from),
    )


def _curves(training: Training, trial: TrialFacts) -> list[Curve]:
    return training.curves(trial, [step.rung for step in trial.steps])


def _classes(training: Training, trial: TrialFacts) -> list[ClassScores]:
    step = trial.scored
    return training.classes(step.rung, [trial.trial]) if step else []


def _chosen(stored: Stored, classes: Sequence[ClassScores]) -> list[ChosenClass]:
    scores = [each for each in classes if each.split == "val"]
    if not scores:
        raise SearchctlError("No trial has a score yet.")
    first = scores[0]
    shares = label_shares(stored.engine, stored.row, first.rung, [first.trial])
    return chosen_classes(scores, shares)


def _importance(stored: Stored, trials: Sequence[TrialFacts]) -> Importance:
    """Compute importances at the first rung, where every trial has been."""
    first = [
        Scored(each.params, step.score)
        for each in trials
        for step in each.steps[:1]
        if step.rung == 0 and step.score is not None and step.verdict is not None
    ]
    if len(first) < LEAST_TRIALS:
        raise SearchctlError(
            f"Only {counted(len(first), 'trial')} of the first rung have a score. Importances need "
            f"at least {LEAST_TRIALS}."
        )
    known = distributions(stored.sweep.space_)
    return importance(first, known, stored.row.direction, rung=0)


def _log_params(stored: Stored) -> list[str]:
    parts = flat(stored.sweep.space_.axes).items()
    return sorted(
        {setting(name) for name, part in parts if isinstance(part, Interval) and part.log}
    )


def _unlabeled(stored: Stored, finalists: Sequence[TrialFacts]) -> Unlabeled:
    if stored.sweep.task == "classification":
        raise SearchctlError("In classification, classes belong to whole images.")
    if not finalists or finalists[0].scored is None:
        raise SearchctlError("No trial has a score yet.")
    best = finalists[0].scored
    size = stored.sweep.data.image_size
    return unlabeled(stored.engine, stored.row, finalists[0].trial, best.rung, size)


def _features(stored: Stored, finalists: Sequence[TrialFacts]) -> list[Picture]:
    if not any(job.features for job in stored.jobs):
        return []
    return _pictures(stored, finalists, "features.png")


def _masks(stored: Stored, finalists: Sequence[TrialFacts]) -> list[Picture]:
    if stored.sweep.task == "classification":
        raise SearchctlError("In classification, classes belong to whole images.")
    return _pictures(stored, finalists, MASKS)


def _pictures(stored: Stored, finalists: Sequence[TrialFacts], file: str) -> list[Picture]:
    """Return the paths of pictures in the directories of the jobs' complete attempts.

    Paths are derived from the keys of the jobs. A path that the database holds is never read.
    """
    from searchctl.orchestrator.artifacts.directory import runs_directory

    runs = runs_directory(stored.sweep)
    of_finalists = queries.attempts(stored.engine, stored.row, [each.trial for each in finalists])
    return [
        Picture(each.trial, each.rung, str(runs / key_of(each).folder / each.token / file))
        for each in of_finalists
        if each.outcome == "complete" and each.kind == "ladder"
    ]
