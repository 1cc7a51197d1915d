"""Brings the Optuna study up to what our tables hold: result by result, or all of it at once."""

from collections.abc import Iterable, Mapping
from typing import Any

from searchctl.orchestrator.artifacts.pictures import JobPicture, What
from searchctl.orchestrator.config.sweep import Sweep
from searchctl.orchestrator.executors.job import Job
from searchctl.orchestrator.halving.job_key import Kind, key_of
from searchctl.orchestrator.halving.rule import Decision, Outcome
from searchctl.orchestrator.search.study import Ending, StudyMirror
from searchctl.orchestrator.storage.rows import AttemptRow, JobRow
from searchctl.searchspace import Params
from searchctl.trainer.core.results import JobResult


def outcome_of(job: JobRow) -> Outcome | None:
    """Return what a stored job tells the bracket; None while it has no result."""
    if job.state in ("WAITING", "RUNNING"):
        return None
    failed = job.state == "FAIL"
    return Outcome(job.trial, job.rung, job.score, failed, job.seconds or 0.0)


def mirror_all(
    mirror: StudyMirror,
    sweep: Sweep,
    jobs: Iterable[JobRow],
    attempts: Iterable[AttemptRow],
    decisions: Iterable[Decision],
) -> None:
    """Show everything that is stored; what the study has already is left as it is."""
    report = f"/report/{sweep.name}"
    mirror.introduce(sweep.halving.score, _introduction(report), {"report": report})
    trials = sweep.trials()
    tokens = {key_of(each): each.token for each in attempts}  # a result is of the last attempt
    for job in jobs:
        params, outcome = trials[job.trial], outcome_of(job)
        if job.kind == "ladder":
            mirror.begin(job.trial, params)
        if outcome is not None:
            attributes = _attributes(job.rung, job.images, job, job.evaluations or {})
            drawn = _drawn(sweep.report.wanted_images, job.features)
            left = [JobPicture(job.rung, tokens[key_of(job)], what) for what in drawn]
            _mirror_outcome(mirror, job.kind, params, outcome, attributes, left)
    mirror_decisions(mirror, decisions)


def mirror_result(
    mirror: StudyMirror, job: Job, result: JobResult, decisions: Iterable[Decision]
) -> None:
    """Show one result, and the decisions that it completed."""
    outcome = Outcome(job.trial, job.rung, result.score, failed=result.status == "failed")
    evaluations = {split: vars(each) for split, each in result.evaluations.items()}
    attributes = _attributes(job.rung, job.sample.images, result, evaluations)
    left = [JobPicture(job.rung, job.token, what) for what in _drawn(job.masks, result.features)]
    _mirror_outcome(mirror, job.kind, job.params, outcome, attributes, left)
    mirror_decisions(mirror, decisions)


def _mirror_outcome(
    mirror: StudyMirror,
    kind: Kind,
    params: Params,
    outcome: Outcome,
    attributes: Mapping[str, int | float | None],
    pictures: Iterable[JobPicture],
) -> None:
    """Show what a job came to; not of a repeat, whose trial has ended in the study."""
    score = outcome.score if outcome.finite else None
    if kind == "audit":
        mirror.show_audit(outcome.trial, params, outcome.rung, score, attributes)
    elif kind == "ladder" and score is not None:
        mirror.report(outcome.trial, outcome.rung, score, attributes, pictures)


def _drawn(masks: object, features: object) -> list[What]:
    """Return what a job with a score has left pictures of: of masks, all that were asked."""
    drawn: list[tuple[What, object]] = [("masks", masks), ("features", features)]
    return [what for what, there in drawn if there]


def mirror_decisions(mirror: StudyMirror, decisions: Iterable[Decision]) -> None:
    """End the trials that climb no further."""
    endings = [
        Ending(decision.trial, decision.verdict, decision.reason, _note(mirror.name, decision))
        for decision in decisions
        if decision.verdict != "promoted"
    ]
    if endings:
        mirror.end(endings)


def _introduction(report: str) -> str:
    """Say in Markdown, on the study's page, where the answer is; the link is to the same server."""
    return (
        f"**[Report on this sweep]({report})**: the winner, how sure that is, and what it cost, as "
        "it is now. `searchctl dashboard` serves it beside these pages.\n\n"
        "Each trial has a note that says why it ended, and its jobs' pictures as artifacts.\n\n"
        "The hyperparameters' importance on these pages is that of the few trials which ended as "
        "COMPLETE, and misleads; the report's is of the first rung, where every trial has a "
        "score.\n"
    )


def _note(sweep: str, decision: Decision) -> str:
    """Say in Markdown why a trial ended, and where there is more."""
    verdict, trial = decision.verdict.capitalize(), decision.trial
    lines = [f"**{verdict} at rung {decision.rung}**: {decision.reason}."]
    if decision.score is not None:
        pruned = decision.verdict == "pruned" and decision.cutoff is not None
        cutoff = f", the last survivor's {decision.cutoff:.4f}" if pruned else ""
        lines.append(f"Score {decision.score:.4f}{cutoff}.")
    lines.append(f"How sure that is: `searchctl explain {sweep} {trial}`")
    lines.append(f"All of it: `searchctl show {sweep} {trial}`, [report](/report/{sweep})")
    return "\n\n".join(lines) + "\n"


def _attributes(
    rung: int,
    images: int,
    found: JobResult | JobRow,
    evaluations: Mapping[str, Mapping[str, Any]],
) -> dict[str, int | float | None]:
    """Return what the dashboard shows beside a trial's scores, of its highest rung so far."""
    return {
        "rung": rung,
        "images": images,
        "kept_epoch": found.kept_epoch or 0,
        "seconds": round(found.seconds or 0.0, 3),
        "trainable_parameters": found.trainable_parameters or 0,
        **{f"{split}_miou": each["miou"] for split, each in evaluations.items()},
        **{f"{split}_accuracy": each["overall_accuracy"] for split, each in evaluations.items()},
    }
