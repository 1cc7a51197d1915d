"""What makes the scores of a rung less comparable than they look."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from sqlalchemy import Engine

from searchctl.orchestrator.facts.text import counted
from searchctl.orchestrator.storage import schema
from searchctl.orchestrator.storage.reads import queries
from searchctl.orchestrator.storage.reads.common import ON_LADDER, jobs_with, of_sweep
from searchctl.orchestrator.storage.rows import JobRow, SweepRow
from searchctl.trainer.core.errors import first_few


def warnings_of(engine: Engine, row: SweepRow, jobs: Collection[JobRow]) -> list[str]:
    """Return what to say of the rungs of a stored sweep, given its jobs or those of some rungs."""
    return [*mixed_hardware(jobs), *equal_results(_with_equal_images(engine, row, jobs))]


def warnings_at(engine: Engine, row: SweepRow, rung: int) -> list[str]:
    """Return what to say of one rung of a stored sweep."""
    return warnings_of(engine, row, [job for job in queries.jobs(engine, row) if job.rung == rung])


def mixed_hardware(jobs: Iterable[JobRow]) -> Iterator[str]:
    """Yield a sentence for each rung whose jobs ran on several kinds of hardware."""
    by_rung: dict[int, Counter[str]] = defaultdict(Counter)
    for job in jobs:
        if job.hardware:
            by_rung[job.rung][job.hardware] += 1
    for rung, kinds in sorted(by_rung.items()):
        if len(kinds) > 1:
            named = "; ".join(f"{name} ({counted(n, 'job')})" for name, n in kinds.most_common())
            yield (
                f"rung {rung} was trained on {len(kinds)} kinds of hardware: {named}. They round "
                "differently, which alone can change the order of similar trials"
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


def equal_results(rungs: Mapping[int, Sequence[Sequence[int]]]) -> Iterator[str]:
    """Yield a sentence for each rung with trials whose results are equal on every image."""
    for rung, groups in sorted(rungs.items()):
        named = first_few([" = ".join(map(str, group)) for group in groups])
        yield (
            f"rung {rung}: trials with equal scores on every validation image: {named}. Their "
            "params differ in nothing that has an effect, so all but one of them are wasted"
        )


def _with_equal_images(
    engine: Engine, row: SweepRow, jobs: Iterable[JobRow]
) -> dict[int, list[list[int]]]:
    """Return, by rung, the groups of trials with equal losses on every image."""
    scored = [job for job in jobs if job.score is not None]
    counts = Counter((job.rung, job.score) for job in scored)
    twins = {(job.trial, job.rung) for job in scored if counts[job.rung, job.score] > 1}
    if not twins:
        return {}
    query = (
        of_sweep(jobs_with(schema.jobs.c.rung, schema.image_scores.c.loss_sums), row)
        .join(schema.image_scores, schema.image_scores.c.job_id == schema.jobs.c.id)
        .where(ON_LADDER, schema.trials.c.number.in_({trial for trial, _ in twins}))
        .order_by(schema.trials.c.number)
    )
    alike: dict[tuple[int, bytes], list[int]] = defaultdict(list)
    with engine.connect() as connection:
        for trial, rung, losses in connection.execute(query):
            if (trial, rung) in twins:
                alike[rung, losses].append(trial)
    found: dict[int, list[list[int]]] = defaultdict(list)
    for (rung, _), trials in alike.items():
        if len(trials) > 1:
            found[rung].append(trials)
    return found
