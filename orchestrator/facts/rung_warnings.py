"""What makes the scores of a rung less comparable than they look."""

from collections import Counter, defaultdict
from collections.abc import Collection, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from sqlalchemy import Engine

from searchctl.orchestrator.facts.text import counted
from searchctl.orchestrator.storage import schema
from searchctl.orchestrator.storage.reads import queries
from searchctl.orchestrator.storage.reads.common import ON_LADDER, jobs_with, of_sweep
from searchctl.orchestrator.storage.rows import JobRow, SweepRow, TrialRow
from searchctl.trainer.core.errors import first_few
from searchctl.trainer.settings.batch import Batch


def warnings_of(
    engine: Engine,
    row: SweepRow,
    jobs: Collection[JobRow],
    trials: Iterable[TrialRow] | None = None,
) -> list[str]:
    """Return what to say of the rungs of a stored sweep.

    Args:
        engine: the sweep's database.
        row: the sweep.
        jobs: its jobs, or those of some rungs.
        trials: its trials, where they were read before.
    """
    kinds = {job.hardware for job in jobs if job.hardware}
    scores = Counter((job.rung, job.score) for job in jobs if job.score is not None)
    shrunk = [job for job in jobs if job.batch]
    if len(kinds) < 2 and max(scores.values(), default=0) < 2 and not shrunk:
        return []
    rung_of = _Rungs({each.number: each.cohort for each in trials or queries.trials(engine, row)})
    alike = _with_equal_images(engine, row, jobs, rung_of)
    warnings = (mixed_hardware(jobs, rung_of), smaller_batches(shrunk, rung_of))
    return [*chain(*warnings), *equal_results(alike, rung_of)]


def warnings_at(engine: Engine, row: SweepRow, rung: int, trials: Container[int]) -> list[str]:
    """Return what to say of one rung of a stored sweep; `trials` are those that it compares."""
    jobs = queries.jobs(engine, row)
    return warnings_of(engine, row, [j for j in jobs if j.rung == rung and j.trial in trials])


Rung = tuple[int, int]
"""Number of a cohort, and of one of its rungs: only trials of one rung are ranked together."""


@dataclass(frozen=True)
class _Rungs:
    """The rung of each job."""

    cohort_of: Mapping[int, int]
    """The cohort of each trial."""

    def __call__(self, trial: int, rung: int) -> Rung:
        return self.cohort_of[trial], rung

    def name(self, rung: Rung) -> str:
        """Return a rung as tables name it: with its cohort, if there are several."""
        several = len({*self.cohort_of.values()}) > 1
        return f"rung {rung[0]}/{rung[1]}" if several else f"rung {rung[1]}"


def mixed_hardware(jobs: Iterable[JobRow], rung_of: _Rungs) -> Iterator[str]:
    """Yield a sentence for each rung whose jobs ran on several kinds of hardware."""
    by_rung: dict[Rung, Counter[str]] = defaultdict(Counter)
    for job in jobs:
        if job.hardware:
            by_rung[rung_of(job.trial, job.rung)][job.hardware] += 1
    for rung, kinds in sorted(by_rung.items()):
        if len(kinds) > 1:
            named = "; ".join(f"{name} ({counted(n, 'job')})" for name, n in kinds.most_common())
            yield (
                f"{rung_of.name(rung)} was trained on {len(kinds)} kinds of hardware: {named}. "
                "They round differently, which alone can change the order of similar trials"
            )


def smaller_batches(shrunk: Iterable[JobRow], rung_of: _Rungs) -> Iterator[str]:
    """Yield a sentence for each rung with jobs whose batch was halved."""
    by_rung: dict[Rung, list[str]] = defaultdict(list)
    for job in shrunk:
        batch = Batch(**(job.batch or {}))
        by_rung[rung_of(job.trial, job.rung)].append(f"trial {job.trial} with {batch}")
    for rung, trials in sorted(by_rung.items()):
        yield (
            f"{rung_of.name(rung)}: after running out of memory, {first_few(trials)} instead of "
            "those of the settings. Without BatchNorm this changes little but rounding"
        )


def other_hardware(engine: Engine, row: SweepRow, here: str) -> str | None:
    """Return what to say if earlier jobs of the sweep ran on other hardware than `here`."""
    earlier = sorted({job.hardware for job in queries.jobs(engine, row) if job.hardware})
    if not earlier or here in earlier:
        return None
    return (
        f"the sweep continues on {here}; its jobs so far ran on {'; '.join(earlier)}. These round "
        "differently: the sweep will not end with the numbers of an undisturbed one"
    )


def equal_results(rungs: Mapping[Rung, Sequence[Sequence[int]]], rung_of: _Rungs) -> Iterator[str]:
    """Yield a sentence for each rung with trials whose results are equal on every image."""
    for rung, groups in sorted(rungs.items()):
        named = first_few([" = ".join(map(str, group)) for group in groups])
        yield (
            f"{rung_of.name(rung)}: trials with equal scores on every validation image: {named}. "
            "Their params differ in nothing that has an effect, so all but one of them are wasted"
        )


def _with_equal_images(
    engine: Engine, row: SweepRow, jobs: Iterable[JobRow], rung_of: _Rungs
) -> dict[Rung, list[list[int]]]:
    """Return, by rung, the groups of trials with equal losses on every image."""
    scored = [job for job in jobs if job.score is not None]
    counts = Counter((rung_of(job.trial, job.rung), job.score) for job in scored)
    twins = {
        (job.trial, job.rung)
        for job in scored
        if counts[rung_of(job.trial, job.rung), job.score] > 1
    }
    if not twins:
        return {}
    query = (
        of_sweep(jobs_with(schema.jobs.c.rung, schema.image_scores.c.loss_sums), row)
        .join(schema.image_scores, schema.image_scores.c.job_id == schema.jobs.c.id)
        .where(ON_LADDER, schema.trials.c.number.in_({trial for trial, _ in twins}))
        .order_by(schema.trials.c.number)
    )
    alike: dict[tuple[Rung, bytes], list[int]] = defaultdict(list)
    with engine.connect() as connection:
        for trial, rung, losses in connection.execute(query):
            if (trial, rung) in twins:
                alike[rung_of(trial, rung), losses].append(trial)
    found: dict[Rung, list[list[int]]] = defaultdict(list)
    for (rung, _), trials in alike.items():
        if len(trials) > 1:
            found[rung].append(trials)
    return found
