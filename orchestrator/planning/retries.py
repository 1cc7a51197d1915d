"""What a sweep's attempts cost, pure: how long they held their machines, and for nothing."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from searchctl.orchestrator.halving.job_key import JobKey, key_of
from searchctl.orchestrator.storage.reads.spending import Held


@dataclass(frozen=True)
class Retry:
    """A job that was tried more than once, or came to no score."""

    trial: int
    place: str
    """Where on the ladder, or what after it."""
    outcomes: tuple[str, ...]
    """Of its attempts that came to nothing."""
    seconds: float
    """That its attempts held beyond what its result took; all of them if it has no score."""
    gpu_seconds: float
    """The same, times the GPUs that they held."""
    error: str | None


def busy_seconds(attempts: Iterable[Held]) -> float:
    """Return for how long at least one of the attempts ran."""
    busy, until = 0.0, None
    for each in sorted(attempts, key=lambda attempt: attempt.started_at):
        start = each.started_at if until is None else max(until, each.started_at)
        busy += max(0.0, (each.ended_at - start).total_seconds())
        until = each.ended_at if until is None else max(until, each.ended_at)
    return busy


def faults(attempts: Iterable[Held]) -> tuple[Retry, ...]:
    """Return the jobs that took more than one attempt, or came to no score; the dearest first."""
    of_job: defaultdict[JobKey, list[Held]] = defaultdict(list)
    for each in attempts:
        of_job[key_of(each)].append(each)
    found = (_fault(job, tries) for job, tries in of_job.items() if _went_wrong(tries))
    return tuple(sorted(found, key=lambda fault: -fault.seconds))


def _went_wrong(tries: Sequence[Held]) -> bool:
    return len(tries) > 1 or tries[0].outcome != "complete"


def _fault(job: JobKey, tries: Sequence[Held]) -> Retry:
    bad = [each for each in tries if each.outcome != "complete"]
    held_for = sum(each.seconds for each in tries)
    scored = tries[-1].outcome == "complete"
    of_use = min(held_for, tries[-1].job_seconds or 0.0) if scored else 0.0
    return Retry(
        job.trial,
        job.place,
        tuple(each.outcome for each in bad),
        seconds=held_for - of_use,
        gpu_seconds=(held_for - of_use) * (tries[0].gpus or 0.0),
        error=next((each.error for each in reversed(bad) if each.error), None),
    )
