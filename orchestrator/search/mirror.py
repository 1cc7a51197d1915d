"""Updates the Optuna study from our tables: one result at a time, or everything at once."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from searchctl.orchestrator.artifacts.pictures import JobPicture, What
from searchctl.orchestrator.config.sweep import Sweep
from searchctl.orchestrator.executors.job import JobAttempt
from searchctl.orchestrator.halving.job_key import Kind, key_of
from searchctl.orchestrator.halving.rule import Decision, Outcome
from searchctl.orchestrator.search.study import Ending, StudyMirror
from searchctl.orchestrator.storage.rows import AttemptRow, JobRow
from searchctl.searchspace import Params
from searchctl.trainer.core.results import JobResult
from searchctl.trainer.settings.batch import Batch


def outcome_of(job: JobRow) -> Outcome | None:
    """Return a stored job's outcome for the bracket; None while it has no result."""
    if job.state in ("WAITING", "RUNNING"):
        return None
    failed = job.state == "FAIL"
    batch = noted_batch(Batch(**job.batch) if job.batch else None)
    return Outcome(job.trial, job.rung, job.score, failed, job.seconds or 0.0, note=batch)


def noted_batch(batch: Batch | None) -> str:
    """Return the note on a job whose batch replaces that of its settings; empty for none."""
    return f"trained with {batch}, after it ran out of memory" if batch else ""


def mirror_all(
    mirror: StudyMirror,
    sweep: Sweep,
    trials: Mapping[int, Params],
    jobs: Sequence[JobRow],
    attempts: Iterable[AttemptRow],
    decisions: Iterable[Decision],
) -> None:
    """Write everything that is stored to the study. Existing entries stay unchanged.

    `trials` has the params of all trials by number.
    """
    report = f"/report/{sweep.name}"
    note = _introduction(report, by_mean=sweep.halving.choose == "mean")
    mirror.introduce(sweep.halving.ranked_by, note, {"report": report})
    mirror.count_in_images({(job.trial, job.rung): job.images for job in jobs})
    tokens = {key_of(each): each.token for each in attempts}  # a result is of the last attempt
    for job in jobs:
        params, outcome = trials[job.trial], outcome_of(job)
        if job.kind == "ladder":
            mirror.begin(job.trial, params)
        if outcome is not None:
            attributes = _attributes(job.rung, job.images, job, job.evaluations or {})
            drawn = _drawn(sweep.report.wanted_images, job.features)
            pictures = [JobPicture(job.rung, tokens[key_of(job)], what) for what in drawn]
            _mirror_outcome(mirror, job.kind, job.images, params, outcome, attributes, pictures)
    mirror_decisions(mirror, decisions)


def mirror_result(
    mirror: StudyMirror, job: JobAttempt, result: JobResult, decisions: Iterable[Decision]
) -> None:
    """Write one result and the decisions that it completed to the study."""
    outcome = Outcome(job.trial, job.rung, result.score, failed=result.status == "failed")
    evaluations = {split: vars(each) for split, each in result.evaluations.items()}
    attributes = _attributes(job.rung, job.sample.images, result, evaluations)
    drawn = _drawn(job.masks, result.features)
    pictures = [JobPicture(job.rung, job.token, what) for what in drawn]
    images = job.sample.images
    _mirror_outcome(mirror, job.kind, images, job.params, outcome, attributes, pictures)
    mirror_decisions(mirror, decisions)


def _mirror_outcome(
    mirror: StudyMirror,
    kind: Kind,
    images: int,
    params: Params,
    outcome: Outcome,
    attributes: Mapping[str, int | float | None],
    pictures: Iterable[JobPicture],
) -> None:
    """Write a job's outcome to the study."""
    # A repeat is left out: its trial has already ended in the study.
    score = outcome.score if outcome.finite else None
    if kind == "audit":
        mirror.show_audit(outcome.trial, params, images, score, attributes)
    elif kind == "ladder" and score is not None:
        mirror.report(outcome.trial, images, score, attributes, pictures)


def _drawn(masks: object, features: object) -> list[What]:
    """Return the kinds of pictures that a job with a score has written."""
    drawn: list[tuple[What, object]] = [("masks", masks), ("features", features)]
    return [what for what, exists in drawn if exists]


def mirror_decisions(mirror: StudyMirror, decisions: Iterable[Decision]) -> None:
    """End the trials that are not promoted."""
    endings = [
        Ending(decision.trial, decision.verdict, decision.reason, _note(mirror.name, decision))
        for decision in decisions
        if decision.verdict != "promoted"
    ]
    if endings:
        mirror.end(endings)


def _introduction(report: str, *, by_mean: bool) -> str:
    """Return the Markdown note on the study's page; its link points to the same server."""
    chosen = (
        "The winner is chosen by its mean over seeds, which is not on these pages: the attribute "
        "`winner` names it at the end, and the best trial of these pages may be another one.\n\n"
    )
    return (
        f"**[Report on this sweep]({report})**: the winner, how certain the result is, and what it "
        "cost so far. `searchctl dashboard` serves it together with these pages.\n\n"
        "Each trial has a note with the reason why it ended, and its jobs' pictures as "
        "artifacts.\n\n"
        f"{chosen * by_mean}"
        "Hyperparameter importance on these pages is misleading: it uses only the few trials that "
        "ended as COMPLETE. The report computes it on the first rung, where every trial has a "
        "score.\n"
    )


def _note(sweep: str, decision: Decision) -> str:
    """Return the Markdown note on a trial: why it ended, and which commands show more."""
    verdict, trial = decision.verdict.capitalize(), decision.trial
    lines = [f"**{verdict} at rung {decision.rung}**: {decision.reason}."]
    if decision.score is not None:
        pruned = decision.verdict == "pruned" and decision.cutoff is not None
        cutoff = f", last survivor {decision.cutoff:.4f}" if pruned else ""
        lines.append(f"Score {decision.score:.4f}{cutoff}.")
    lines.append(f"How certain this is: `searchctl explain {sweep} {trial}`")
    lines.append(f"Details: `searchctl show {sweep} {trial}`, [report](/report/{sweep})")
    return "\n\n".join(lines) + "\n"


def _attributes(
    rung: int,
    images: int,
    found: JobResult | JobRow,
    evaluations: Mapping[str, Mapping[str, Any]],
) -> dict[str, int | float | None]:
    """Return the trial's user attributes, from its highest rung so far."""
    return {
        "rung": rung,
        "images": images,
        "kept_epoch": found.kept_epoch or 0,
        "seconds": round(found.seconds or 0.0, 3),
        "trainable_parameters": found.trainable_parameters or 0,
        **{f"{split}_miou": each["miou"] for split, each in evaluations.items()},
        **{f"{split}_accuracy": each["overall_accuracy"] for split, each in evaluations.items()},
    }
