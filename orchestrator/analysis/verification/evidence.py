"""Reads the rows that a sweep's decisions depend on, as of one moment, for verify.py.

It also checks whether the finalists' weights exist, so that verify.py needs no files.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Literal

from sqlalchemy import Engine
from upath import UPath

from searchctl.orchestrator.analysis.image_evidence import recorded_scores, stored_score
from searchctl.orchestrator.analysis.verification.draws import redraws
from searchctl.orchestrator.analysis.verification.record import ClassScores, Record
from searchctl.orchestrator.driver.measured import Measured
from searchctl.orchestrator.facts.cohorts import protected_trials
from searchctl.orchestrator.facts.scripts import is_by_script
from searchctl.orchestrator.halving.follow_up import follow_up_settings
from searchctl.orchestrator.halving.job_key import ALL, JobKey, key_of
from searchctl.orchestrator.halving.limits import limits_of
from searchctl.orchestrator.halving.rule import Decision
from searchctl.orchestrator.statistics.paired_bootstrap import NotAssessable
from searchctl.orchestrator.storage.measurements import read_measurements
from searchctl.orchestrator.storage.reads import image_scores, queries
from searchctl.orchestrator.storage.rows import EpochRow, JobRow, SweepRow, TrialRow
from searchctl.orchestrator.storage.scores import ranked_by
from searchctl.searchspace import Params
from searchctl.trainer.core.errors import DataError
from searchctl.trainer.core.results import OWN_FIELDS, Evaluation, ImageCounts
from searchctl.trainer.evaluation.from_counts import evaluation_by_images
from searchctl.trainer.scores.base import Score


def read_record(engine: Engine, row: SweepRow) -> Record:
    """Read the rows of a sweep; a driver may write at the same time.

    A result, its rung's decisions and the states of the trials are one transaction. So rows that
    are read between two equal lists of decisions belong to one moment, as far as decisions are
    concerned.
    """
    decisions = queries.decisions(engine, row)
    while True:
        record = _read(engine, row, decisions)
        again = queries.decisions(engine, row)
        if again == decisions:
            return record
        decisions = again


def _read(engine: Engine, row: SweepRow, decisions: Sequence[Decision]) -> Record:
    ranking = stored_score(row)
    scores = [
        each for each in (ranking, *recorded_scores(row)) if not isinstance(each, NotAssessable)
    ]
    trials, cohorts = queries.trials(engine, row), queries.cohorts(engine, row)
    jobs = {key_of(job): job for job in queries.jobs(engine, row, kinds=ALL)}
    epochs: defaultdict[JobKey, list[EpochRow]] = defaultdict(list)
    class_scores: defaultdict[JobKey, ClassScores] = defaultdict(dict)
    for number in (trial.number for trial in trials):
        for epoch in queries.epochs(engine, row, number, ALL):
            epochs[JobKey(number, epoch.rung, epoch.kind, epoch.repeat)].append(epoch)
        for each in queries.class_scores(engine, row, number, kinds=ALL):
            if each.split == "val":
                class_scores[key_of(each)][each.class_id] = each.iou, each.accuracy
    return Record(
        state=row.state,
        direction=row.direction,
        score=ranked_by(row.spec),
        underivable=ranking.why if isinstance(ranking, NotAssessable) else None,
        planned=[[rung["trials"] for rung in cohort.ladder] for cohort in cohorts],
        asked=follow_up_settings(row.spec),
        requests=[cohort.request for cohort in cohorts],
        trials=trials,
        jobs=jobs,
        decisions=decisions,
        epochs=epochs,
        class_scores=class_scores,
        by_images={
            key: _by_images(engine, row, key, scores)
            for key, job in jobs.items()
            if job.state == "COMPLETE"
        },
        missing_weights={
            key
            for key in _finalists(decisions)
            if key in jobs and _missing(jobs[key].weights, engine)
        },
        protected=protected_trials(row.spec, trials),
        violations=_violations(engine, row, trials, jobs),
        retried={cohort.number: cohort.retried for cohort in cohorts if cohort.retried},
        by_script=is_by_script(row.spec),
        winner=_winner(engine, row),
        redraws=redraws(engine, row),
    )


def _violations(
    engine: Engine, row: SweepRow, trials: Sequence[TrialRow], jobs: Mapping[JobKey, JobRow]
) -> dict[JobKey, str]:
    """Return which limits each job of the ladder exceeds, by the stored measurements."""
    if not (limits := limits_of(row.spec)):
        return {}
    params = {trial.number: Params(trial.params) for trial in trials}
    measured = Measured(limits, params, read_measurements(engine, row))
    return {
        key: measured.violation(key.trial, job.hardware or "")
        for key, job in jobs.items()
        if key.kind == "ladder" and job.state == "COMPLETE"
    }


def _winner(engine: Engine, row: SweepRow) -> int | None:
    ends = [each.detail for each in queries.events(engine, row) if each.kind == "complete"]
    found: int | None = ends[-1].get("winner") if ends else None
    return found


def _by_images(
    engine: Engine, row: SweepRow, key: JobKey, scores: Sequence[Score]
) -> Evaluation | Literal["damaged"] | None:
    try:
        images = image_scores.image_counts(engine, row, key)
        evaluation = evaluation_by_images(images)
    except (ValueError, TypeError):  # TypeError: SQLite may hold text in place of bytes
        return "damaged"
    if images is None or evaluation is None:
        return None
    further = (score for score in scores if score.name not in OWN_FIELDS)
    return replace(evaluation, scores={score.name: _of(score, images) for score in further})


def _of(score: Score, images: ImageCounts) -> float | None:
    try:
        return score.of(images)
    except DataError:  # changed counts may lack a class
        return None


def _finalists(decisions: Sequence[Decision]) -> Iterator[JobKey]:
    return (JobKey(d.trial, d.rung) for d in decisions if d.verdict == "complete")


def _missing(weights: str | None, engine: Engine) -> bool:
    """Return whether a file is missing from a disk that this machine can see; else False.

    Its path is <runs>/<sweep>/<trial>/<rung>/<token>/. A sweep in an SQLite file ran on the machine
    that has the file, so there a missing <runs> means that the weights are missing.
    """
    path = UPath(weights or "")
    if path.protocol not in ("", "file", "local") or len(path.parents) < 6:
        return False
    runs = path.parents[4]
    root = runs.parent if engine.dialect.name == "sqlite" else runs
    try:
        return root.exists() and not path.exists()
    except PermissionError:
        return False
