"""Who uses the machines: the unfinished sweeps of a database, what they hold and wait for."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from searchctl.orchestrator.core.pending import Waiting
from searchctl.orchestrator.facts.running.pending import room_line
from searchctl.orchestrator.storage.reads.usage import RunningJob
from searchctl.orchestrator.storage.rows import SweepRow


@dataclass(frozen=True)
class Usage:
    """One unfinished sweep."""

    sweep: str
    state: str
    driver: str | None
    """Host and process of its driver; None if nothing drives it."""
    cluster: str
    """Address of its cluster, or of this machine."""
    jobs: int
    gpus: float
    cpus: float
    """What its running jobs hold."""
    nodes: list[str]
    most: int | str | None
    """Its `resources.max_parallel`."""
    oldest: datetime | None
    """When the longest of its running jobs started."""
    waits: str | None
    """What its pending jobs wait for; None if none waits."""
    waits_since: str | None
    """Since when they wait, ISO 8601 in UTC; None if it is not known."""

    def to_json(self) -> dict[str, Any]:
        """Return it as plain values."""
        return asdict(self)


def usage_of(rows: Iterable[SweepRow], jobs: Sequence[RunningJob]) -> list[Usage]:
    """Return the unfinished sweeps, those with the most running jobs first.

    Args:
        rows: sweeps of a database.
        jobs: the running jobs of all of them.
    """
    running: dict[str, list[RunningJob]] = {}
    for job in jobs:
        running.setdefault(job.sweep, []).append(job)
    users = {name: len(each) for name, each in running.items()}
    found = [_usage(row, running.get(row.name, []), users) for row in rows if _unfinished(row)]
    return sorted(found, key=lambda each: -each.jobs)


def _unfinished(row: SweepRow) -> bool:
    return row.driver is not None or row.shown_state in ("RUNNING", "INTERRUPTED", "STOPPED")


def _usage(row: SweepRow, jobs: Sequence[RunningJob], users: dict[str, int]) -> Usage:
    resources = row.spec.get("resources", {})
    jobs = jobs if row.driver else []
    waiting = Waiting.from_json(row.waiting) if row.driver and row.waiting else None
    return Usage(
        sweep=row.name,
        state=row.shown_state,
        driver=row.driver,
        cluster=resources.get("address") or "this machine",
        jobs=len(jobs),
        gpus=sum(job.gpus for job in jobs),
        cpus=len(jobs) * resources.get("cpus_per_trial", 1),
        nodes=sorted({job.node for job in jobs}),
        most=resources.get("max_parallel"),
        oldest=jobs[0].started_at if jobs else None,
        waits=room_line(waiting, users) if waiting else None,
        waits_since=waiting.since if waiting else None,
    )
