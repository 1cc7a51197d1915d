"""Results of the follow-up jobs of a sweep: repeats of the finalists, and the audit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Engine

from searchctl.orchestrator.facts.cohorts import closed_cohorts_of
from searchctl.orchestrator.halving.follow_up import (
    FollowUpSettings,
    follow_up_jobs,
    follow_up_settings,
)
from searchctl.orchestrator.halving.job_key import AFTER, JobKey, Kind, key_of
from searchctl.orchestrator.halving.rule import Decision
from searchctl.orchestrator.halving.winner import Choose
from searchctl.orchestrator.statistics.audit import AuditResult, assess_audit
from searchctl.orchestrator.statistics.seed_spread import Order, Spread, order, spread
from searchctl.orchestrator.storage.reads import queries, snapshot
from searchctl.orchestrator.storage.reads.ranking import RankedTrial
from searchctl.orchestrator.storage.reads.snapshot import KindTime
from searchctl.orchestrator.storage.reads.sweep_rows import SweepRows
from searchctl.orchestrator.storage.rows import JobRow, SweepRow
from searchctl.orchestrator.storage.scores import by_accuracy, ranked_by
from searchctl.trainer.scores.catalog import ScoreName


@dataclass(frozen=True)
class Finalist:
    """A finalist and its scores over several seeds."""

    trial: int
    scores: list[float | None]
    """Score with the sweep's own seed, which ranked it, then with each other seed; None if the job
    has no score or has not ended."""
    score: Spread
    test: Spread | None
    """mIoU (in classification, accuracy) on the test split; None without a test split."""


@dataclass(frozen=True)
class Repeats:
    """All finalists over the same seeds."""

    finalists: list[Finalist]
    """In the order of rank, the winner first."""
    order: Order
    """Comparison with the other seeds; means of a loss are negative."""


@dataclass(frozen=True)
class Audited:
    """A pruned trial that was trained on all of the data."""

    trial: int
    pruned_at: int
    """The rung whose cut dropped it."""
    rank: int
    """Its rank at that rung."""
    cohort: int
    score: float | None
    """Score on all of the data; None if it diverged or failed."""
    failed: bool
    """Whether an error ended its job: then it is not counted."""


@dataclass(frozen=True)
class Audit:
    """Results of the audit so far."""

    asked: int
    """Number of trials to audit."""
    trials: list[Audited]
    """Audited trials whose jobs have ended."""
    verdict: AuditResult | None
    """None while no audited trial, or not the winner, has a score with the seed of the audit."""
    winner: float | None
    """Score of the winner with the seed of the audit; None if it has none (yet)."""
    new_seed: bool
    """Whether that is a seed which selected neither the winner nor the finalists."""


@dataclass(frozen=True)
class Cost:
    """Cost of the jobs of one kind."""

    unit: str
    """'GPU seconds', or 'seconds' for a sweep without GPUs."""
    amount: float
    share: float
    """Share of the cost of all jobs of the sweep."""


@dataclass(frozen=True)
class FollowUp:
    """How far a sweep's winner can be trusted, by its follow-up jobs."""

    score: ScoreName
    winner: int
    winner_score: float
    choose: Choose
    """How the winner was chosen."""
    repeats: Repeats | None
    audit: Audit | None
    costs: dict[Kind, Cost]


def read_follow_up(engine: Engine, row: SweepRow, rows: SweepRows | None = None) -> FollowUp | None:
    """Return the results of the follow-up jobs; None while none of them has ended.

    Args:
        engine: the sweep's database.
        row: the sweep.
        rows: its rows, where some were read before.
    """
    rows = rows or SweepRows(engine, row)
    ended = {
        key_of(job): job
        for job in queries.jobs(engine, row, kinds=AFTER)
        if job.state not in ("WAITING", "RUNNING")
    }
    if not ended:
        return None
    decisions, settings = rows.decisions, follow_up_settings(row.spec)
    closed = closed_cohorts_of(rows.cohorts, rows.trials, decisions)
    planned = follow_up_jobs(closed, settings, row.direction)
    ranked, score = rows.ranked, ranked_by(row.spec)
    winner, repeated = ranked[0], {key.trial for key in planned if key.kind == "repeat"}
    finalists = [each for each in ranked if each.trial in repeated]
    return FollowUp(
        score=score,
        winner=winner.trial,
        winner_score=winner.score,
        choose=settings.choose,
        repeats=_repeats(finalists, ended, planned, row) if repeated else None,
        audit=_audit(decisions, ended, planned, row, winner) if settings.audit else None,
        costs=_costs(snapshot.times_by_kind(engine, row)),
    )


_Ended = Mapping[JobKey, JobRow]


def _repeats(
    finalists: Sequence[RankedTrial], ended: _Ended, planned: Sequence[JobKey], row: SweepRow
) -> Repeats:
    by_trial: dict[int, list[JobRow | None]] = {each.trial: [] for each in finalists}
    for key in planned:
        if key.kind == "repeat":
            by_trial[key.trial].append(ended.get(key))
    known = [_finalist(each, by_trial[each.trial], row) for each in finalists]
    higher = {each.trial: [_sign(row, score) for score in each.scores[1:]] for each in known}
    return Repeats(known, order(higher))


def _finalist(first: RankedTrial, repeats: Sequence[JobRow | None], row: SweepRow) -> Finalist:
    scores = [first.score, *(job.score if job else None for job in repeats)]
    found = spread([score for score in scores if score is not None])
    if found is None:
        raise ValueError(f"finalist {first.trial} has no score")
    shows_accuracy = by_accuracy(ranked_by(row.spec), row.spec.get("task", ""))
    measure = "overall_accuracy" if shows_accuracy else "miou"
    evaluations = [(job.evaluations or {}).get("test") for job in repeats if job]
    tests = [first.test_accuracy if shows_accuracy else first.test_miou]
    tests += [each[measure] for each in evaluations if each]
    return Finalist(
        first.trial, scores, found, spread([each for each in tests if each is not None])
    )


def _audit(
    decisions: Sequence[Decision],
    ended: _Ended,
    planned: Sequence[JobKey],
    row: SweepRow,
    winner: RankedTrial,
) -> Audit:
    pruned = {each.trial: each for each in decisions if each.verdict == "pruned"}
    settings = follow_up_settings(row.spec)
    keys = [key for key in planned if key.kind == "audit" and key.trial in pruned]
    trials = [_audited(pruned[key.trial], ended[key]) for key in keys if key in ended]
    counted = {each.trial: _sign(row, each.score) for each in trials if not each.failed}
    against = _score_of_winner(winner, ended, settings, row)
    higher = _sign(row, against)
    verdict = None if higher is None else assess_audit(counted, higher, len(pruned))
    return Audit(len(keys), trials, verdict, against, settings.new_seed)


def _score_of_winner(
    winner: RankedTrial, ended: _Ended, settings: FollowUpSettings, row: SweepRow
) -> float | None:
    """Return the winner's score with the seed of the audit."""
    if not settings.new_seed:
        return winner.score
    key = JobKey(winner.trial, winner.rung, "audit", settings.audit_number)
    return ended[key].score if key in ended else None


def _audited(cut: Decision, job: JobRow) -> Audited:
    rank = cut.rank or 0
    return Audited(cut.trial, cut.rung, rank, cut.cohort, job.score, failed=job.state == "FAIL")


def _sign(row: SweepRow, score: float | None) -> float | None:
    """Return a score with the sign that makes higher better."""
    return -score if score is not None and row.direction == "minimize" else score


def _costs(times: Mapping[Kind, KindTime]) -> dict[Kind, Cost]:
    gpu = any(each.gpu_seconds for each in times.values())
    unit = "GPU seconds" if gpu else "seconds"
    spent = {kind: each.gpu_seconds if gpu else each.seconds for kind, each in times.items()}
    whole = sum(spent.values())
    shares = {kind: each / whole if whole else 0.0 for kind, each in spent.items()}
    return {kind: Cost(unit, spent[kind], shares[kind]) for kind in AFTER if kind in spent}
