"""Time of a sweep's attempts, and the part that was lost in failed attempts; pure."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from searchctl.orchestrator.halving.job_key import JobKey, key_of
from searchctl.orchestrator.storage.reads.spending import EndedAttempt


@dataclass(frozen=True)
class Retry:
    """A job that had more than one attempt, or that has no score."""

    trial: int
    place: str
    """Its rung, repeat or audit in words."""
    outcomes: tuple[str, ...]
    """Outcomes of its failed attempts."""
    seconds: float
    """Lost seconds: the time of its attempts minus the time of its result, if it has a score."""
    gpu_seconds: float
    """Lost seconds times GPUs."""
    error: str | None

    @property
    def orderly(self) -> bool:
        """Whether the job was only stopped with its sweep, and continued later."""
        return set(self.outcomes) == {"stopped"} and self.error in (None, "stopped")


def busy_seconds(attempts: Iterable[EndedAttempt]) -> float:
    """Return the seconds during which at least one of the attempts ran."""
    spans = sorted((each.started_at, each.ended_at) for each in attempts)
    if not spans:
        return 0.0
    busy, (start, until) = 0.0, spans[0]
    for began, ended in spans:
        if began > until:
            busy += (until - start).total_seconds()
            start, until = began, ended
        elif ended > until:
            until = ended
    return busy + max(0.0, (until - start).total_seconds())


def faults(attempts: Iterable[EndedAttempt]) -> tuple[Retry, ...]:
    """Return the jobs with several attempts or without a score, most lost time first."""
    of_job: defaultdict[JobKey, list[EndedAttempt]] = defaultdict(list)
    for each in attempts:
        of_job[key_of(each)].append(each)
    found = (_fault(job, tries) for job, tries in of_job.items() if _went_wrong(tries))
    return tuple(sorted(found, key=lambda fault: -fault.seconds))


def _went_wrong(tries: Sequence[EndedAttempt]) -> bool:
    return len(tries) > 1 or tries[0].outcome != "complete"


def _fault(job: JobKey, tries: Sequence[EndedAttempt]) -> Retry:
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
