"""What more quality costs: the trials of a rung that nothing cheaper equals."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from sqlalchemy import Engine

from orchestrator.analysis.paired_bootstrap import Difference, NotAssessable
from orchestrator.analysis.pareto import Point, pareto_front
from orchestrator.errors import SearchctlError
from orchestrator.storage import queries
from orchestrator.storage.rows import JobRow, SweepRow
from orchestrator.sweep import Sweep
from orchestrator.understanding.image_evidence import ImageEvidence
from trainer.results import ImageCounts
from trainer.settings import Score


@dataclass(frozen=True)
class Candidate:
    """A trial that is on the front of at least one cost."""

    trial: int
    score: float
    costs: dict[str, float]
    fronts: list[str]
    """The costs in which nothing cheaper is as good."""
    params: dict[str, Any]


@dataclass(frozen=True)
class Upgrade:
    """One step up a front: from a trial to the next dearer one."""

    cost: str
    cheaper: int
    dearer: int
    factor: float | None
    """Cost of the dearer one by that of the cheaper one; None where that is zero."""
    gain: float
    """How much better the dearer one's score is."""
    sure: Difference | NotAssessable
    """The same with its interval."""


@dataclass(frozen=True)
class Tradeoff:
    """Score against cost over the trials of one rung: only those had the same data."""

    sweep: str
    rung: int
    images: int
    score: Score
    trials: int
    """Trials of the rung that have a score."""
    candidates: list[Candidate]
    """The best first."""
    upgrades: list[Upgrade]


def read_tradeoff(engine: Engine, row: SweepRow, rung: int | None = None) -> Tradeoff:
    """Weigh the trials of a rung, the highest with a score if none is named.

    Raises:
        SearchctlError: no trial has a score there, or what is stored of it is damaged.
    """
    scored = [job for job in queries.jobs(engine, row) if job.score is not None]
    rung = max((job.rung for job in scored), default=0) if rung is None else rung
    jobs = {job.trial: job for job in scored if job.rung == rung}
    if not jobs:
        raise SearchctlError(
            f"no trial of sweep '{row.name}' has a score at rung {rung} "
            f"(`searchctl status {row.name}`)"
        )
    sign = 1 if row.direction == "maximize" else -1
    fronts = {
        cost: pareto_front(Point(t, sign * (jobs[t].score or 0.0), costs[t]) for t in costs)
        for cost, costs in _costs(jobs).items()
    }
    score: Score = Sweep.from_json(row.spec).halving.score
    params = {trial.number: trial.params for trial in queries.trials(engine, row)}
    candidates = sorted(
        _candidates(jobs, fronts, params), key=lambda each: (-sign * each.score, each.trial)
    )
    upgrades = list(_upgrades(ImageEvidence(engine, row), rung, fronts, score))
    images = row.ladder[rung]["images"]
    return Tradeoff(row.name, rung, images, score, len(jobs), candidates, upgrades)


def _costs(jobs: Mapping[int, JobRow]) -> dict[str, dict[int, float]]:
    """Return each cost of the trials that have it: time on the GPU, else on the CPU, and size."""
    gpu = {trial: job.gpu_seconds for trial, job in jobs.items() if job.gpu_seconds}
    seconds = {trial: job.seconds for trial, job in jobs.items() if job.seconds is not None}
    sizes = {t: job.trainable_parameters for t, job in jobs.items() if job.trainable_parameters}
    time: dict[str, dict[int, float]] = {"GPU seconds": gpu} if gpu else {"seconds": seconds}
    return {**time, "trainable parameters": {t: float(size) for t, size in sizes.items()}}


def _candidates(
    jobs: Mapping[int, JobRow],
    fronts: Mapping[str, Sequence[Point]],
    params: Mapping[int, dict[str, Any]],
) -> Iterator[Candidate]:
    costs = _costs(jobs)
    for trial in {point.trial for front in fronts.values() for point in front}:
        on = [cost for cost, front in fronts.items() if any(p.trial == trial for p in front)]
        of_trial = {cost: each[trial] for cost, each in costs.items() if trial in each}
        yield Candidate(trial, jobs[trial].score or 0.0, of_trial, on, params[trial])


def _upgrades(
    images: ImageEvidence, rung: int, fronts: Mapping[str, Sequence[Point]], score: Score
) -> Iterator[Upgrade]:
    """Compare the neighbours on each front, image by image."""
    counts = images.counts(rung, {point.trial for front in fronts.values() for point in front})
    for cost, front in fronts.items():
        for cheaper, dearer in pairwise(front):
            factor = dearer.cost / cheaper.cost if cheaper.cost else None
            gain = dearer.quality - cheaper.quality
            sure = _difference(images, counts, dearer.trial, cheaper.trial, score)
            yield Upgrade(cost, cheaper.trial, dearer.trial, factor, gain, sure)


def _difference(
    images: ImageEvidence, counts: Mapping[int, ImageCounts], first: int, second: int, score: Score
) -> Difference | NotAssessable:
    bootstrap = images.draws_for(counts, first, second)
    if isinstance(bootstrap, NotAssessable):
        return bootstrap
    resampled = (bootstrap.resample(counts[trial], score) for trial in (first, second))
    return bootstrap.difference(*resampled)
