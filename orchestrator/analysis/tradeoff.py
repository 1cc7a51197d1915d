"""Quality against cost: the trials of a rung that no cheaper trial equals."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from sqlalchemy import Engine

from searchctl.orchestrator.analysis.image_evidence import ImageEvidence
from searchctl.orchestrator.core.errors import SearchctlError
from searchctl.orchestrator.statistics.paired_bootstrap import Difference, NotAssessable
from searchctl.orchestrator.statistics.pareto import Point, pareto_front
from searchctl.orchestrator.storage.reads import queries, snapshot
from searchctl.orchestrator.storage.reads.snapshot import JobCost
from searchctl.orchestrator.storage.rows import SweepRow
from searchctl.orchestrator.storage.scores import ranked_by
from searchctl.trainer.core.results import ImageCounts
from searchctl.trainer.scores.catalog import ScoreName

LATENCY = "ms per image"
"""The cost of using a network; the other costs are those of training it."""


@dataclass(frozen=True)
class Candidate:
    """A trial that is on the front of at least one cost."""

    trial: int
    score: float
    costs: dict[str, float]
    fronts: list[str]
    """The costs for which no cheaper trial is as good."""
    params: dict[str, Any]


@dataclass(frozen=True)
class Upgrade:
    """One step along a front: from a trial to the next more expensive one."""

    cost: str
    cheaper: int
    dearer: int
    factor: float | None
    """Cost of the more expensive trial over that of the cheaper one; None if that is zero."""
    gain: float
    """Score of the more expensive trial minus that of the cheaper one, higher is better."""
    sure: Difference | NotAssessable
    """The gain with its interval."""


@dataclass(frozen=True)
class Tradeoff:
    """Score against cost of the trials that had the same data, whatever their cohort."""

    sweep: str
    rung: int
    """The first cohort's rung with these images, as `read_tradeoff` takes it."""
    images: int
    score: ScoreName
    trials: int
    """Trials of the rung that have a score."""
    costs: dict[str, dict[int, float]]
    """Name of a cost -> trial -> cost, for the trials that have it."""
    latency_on: str | None
    """The hardware whose latencies are compared; None if none was measured."""
    candidates: list[Candidate]
    """The best first."""
    upgrades: list[Upgrade]
    copied: list[int]
    """Candidates whose jobs were copied: their costs are those of the training in another sweep."""


def read_tradeoff(engine: Engine, row: SweepRow, rung: int | None = None) -> Tradeoff:
    """Compare quality and cost of the trials of a rung; by default the highest with a score.

    Raises:
        SearchctlError: no trial has a score there, or stored counts are damaged.
    """
    images = _images(engine, row, rung)
    jobs = {job.trial: job for job in snapshot.job_costs(engine, row, images)}
    if not jobs:
        raise SearchctlError(
            f"no trial of sweep '{row.name}' has a score at rung {rung or 0} "
            f"(`searchctl status {row.name}`)"
        )
    sign = 1 if row.direction == "maximize" else -1
    latency_on = _usual_hardware(jobs)
    costs = _costs(jobs, latency_on)
    fronts = {
        cost: pareto_front(Point(t, sign * jobs[t].score, of[t]) for t in of)
        for cost, of in costs.items()
    }
    score: ScoreName = ranked_by(row.spec)
    shown = {point.trial for front in fronts.values() for point in front}
    params = {trial.number: trial.params for trial in queries.trials(engine, row, shown)}
    candidates = sorted(
        _candidates(jobs, costs, fronts, params), key=lambda each: (-sign * each.score, each.trial)
    )
    return Tradeoff(
        sweep=row.name,
        rung=_rung(engine, row, images, jobs),
        images=images,
        score=score,
        trials=len(jobs),
        costs=costs,
        latency_on=latency_on,
        candidates=candidates,
        upgrades=list(_upgrades(ImageEvidence(engine, row), images, fronts)),
        copied=sorted(trial for trial in shown if jobs[trial].reused_from),
    )


def _images(engine: Engine, row: SweepRow, rung: int | None) -> int:
    """Return the images of a rung of the first cohort; by default the most with a score."""
    ladders = [cohort.ladder for cohort in queries.cohorts(engine, row)]
    if rung is not None:
        return next((each["images"] for each in ladders[0] if each["rung"] == rung), -1)
    scored = (c for c in snapshot.count_jobs(engine, row) if c.score is not None)
    found = (ladders[c.cohort][c.rung]["images"] for c in scored if c.kind == "ladder")
    return max(found, default=-1)


def _rung(engine: Engine, row: SweepRow, images: int, jobs: Mapping[int, JobCost]) -> int:
    """Return the rung of the first cohort with these images; else the lowest of the jobs."""
    ladder = queries.cohorts(engine, row)[0].ladder
    rungs = [each["rung"] for each in ladder if each["images"] == images]
    return next(iter(rungs), min(job.rung for job in jobs.values()))


def _costs(jobs: Mapping[int, JobCost], on: str | None) -> dict[str, dict[int, float]]:
    """Return each cost of the trials that have it; latencies only from this hardware."""
    gpu = {trial: job.gpu_seconds for trial, job in jobs.items() if job.gpu_seconds}
    seconds = {trial: job.seconds for trial, job in jobs.items() if job.seconds is not None}
    sizes = {t: job.trainable_parameters for t, job in jobs.items() if job.trainable_parameters}
    latencies = {
        trial: job.latency_ms
        for trial, job in jobs.items()
        if job.latency_ms is not None and hardware(job.device) == on
    }
    costs: dict[str, dict[int, float]] = {"GPU seconds": gpu} if gpu else {"seconds": seconds}
    costs["trainable parameters"] = {trial: float(size) for trial, size in sizes.items()}
    return {**costs, LATENCY: latencies} if latencies else costs


def _usual_hardware(jobs: Mapping[int, JobCost]) -> str | None:
    """Return the most common hardware among the jobs that have a latency."""
    found = Counter(hardware(job.device) for job in jobs.values() if job.latency_ms is not None)
    return found.most_common(1)[0][0] if found else None


def hardware(device: str | None) -> str:
    """Return the kind of a job's device, without its index.

    >>> hardware("cuda:3 (NVIDIA H200)"), hardware("cpu")
    ('NVIDIA H200', 'cpu')
    """
    place, _, name = (device or "").partition(" ")
    return name.strip("()") or place


def _candidates(
    jobs: Mapping[int, JobCost],
    costs: Mapping[str, Mapping[int, float]],
    fronts: Mapping[str, Sequence[Point]],
    params: Mapping[int, dict[str, Any]],
) -> Iterator[Candidate]:
    for trial in params:
        on = [cost for cost, front in fronts.items() if any(p.trial == trial for p in front)]
        of_trial = {cost: each[trial] for cost, each in costs.items() if trial in each}
        yield Candidate(trial, jobs[trial].score, of_trial, on, params[trial])


def _upgrades(
    evidence: ImageEvidence, images: int, fronts: Mapping[str, Sequence[Point]]
) -> Iterator[Upgrade]:
    """Compare neighbours on each front on the same images."""
    shown = {point.trial for front in fronts.values() for point in front}
    counts = evidence.counts(None, shown, images)
    for cost, front in fronts.items():
        for cheaper, dearer in pairwise(front):
            factor = dearer.cost / cheaper.cost if cheaper.cost else None
            gain = dearer.quality - cheaper.quality
            sure = _difference(evidence, counts, dearer.trial, cheaper.trial)
            yield Upgrade(cost, cheaper.trial, dearer.trial, factor, gain, sure)


def _difference(
    images: ImageEvidence,
    counts: Mapping[int, ImageCounts],
    first: int,
    second: int,
) -> Difference | NotAssessable:
    draws = images.draws_for(counts, first, second)
    if isinstance(draws, NotAssessable):
        return draws
    bootstrap, score = draws
    resampled = (bootstrap.resample(counts[trial], score) for trial in (first, second))
    return bootstrap.difference(*resampled)
