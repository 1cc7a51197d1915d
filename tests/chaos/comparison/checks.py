"""Conditions that must hold after every sweep."""

import subprocess
import time
from collections import Counter, defaultdict
from pathlib import Path

from sqlalchemy import create_engine, select

from searchctl.orchestrator.artifacts.retention import MASKS
from searchctl.orchestrator.storage import schema
from tests.chaos.kills.processes import title
from tests.chaos.sweeps.driver import SEARCHCTL
from tests.chaos.sweeps.places import Place
from tests.chaos.sweeps.sweep_files import NAME

_GONE_WITHIN_S = 30.0
_RESULTS = ("complete", "diverged", "failed")


def broken_promises(url: str, folder: Path) -> list[str]:
    """Return a line for each thing about a finished sweep that must not be so."""
    return [*_attempts(url), *_files(url, folder / "runs" / NAME), *_verify(url, folder)]


def _attempts(url: str) -> list[str]:
    attempts, jobs = schema.attempts.c, schema.jobs.c
    engine = create_engine(url)
    with engine.connect() as connection:
        states = dict(connection.execute(select(jobs.id, jobs.state)).all())
        rows = connection.execute(select(schema.attempts).order_by(attempts.number)).all()
    engine.dispose()
    by_job = defaultdict(list)
    for row in rows:
        by_job[row.job_id].append(row)
    lines = [
        f"job {job} is {state}" for job, state in states.items() if state in ("WAITING", "RUNNING")
    ]
    lines += [f"attempt {row.token} is open" for row in rows if not (row.ended_at and row.outcome)]
    for job in states:
        numbers = [row.number for row in by_job[job]]
        if numbers != list(range(1, len(numbers) + 1)):
            lines.append(f"the attempts of job {job} are numbered {numbers}")
        outcomes = Counter(row.outcome for row in by_job[job] if row.outcome in _RESULTS)
        if outcomes.total() != 1:
            lines.append(f"job {job} has the results {dict(outcomes)}")
    return lines


def _files(url: str, runs: Path) -> list[str]:
    """Kept weights stay, and pictures of attempts that yielded a result: nothing else."""
    attempts = schema.attempts.c
    engine = create_engine(url)
    with engine.connect() as connection:
        complete = set(
            connection.scalars(select(attempts.token).where(attempts.outcome == "complete"))
        )
    engine.dispose()
    return [
        f"left behind: {path.relative_to(runs)}"
        for path in sorted(runs.rglob("*"))
        if path.is_file()
        and path.name != "model.safetensors"
        and not (path.name == MASKS and path.parent.name in complete)
    ]


def _verify(url: str, folder: Path) -> list[str]:
    done = subprocess.run(
        [SEARCHCTL, "verify", NAME, "--db", url],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    if done.returncode == 0 and "verified" in done.stdout:
        return []
    return [f"verify ended with {done.returncode}: {done.stdout}{done.stderr}"]


def seconds_until_alone(place: Place) -> float:
    """Wait until nothing is left of the drivers that ran in a place; return how long it took.

    Raises:
        AssertionError: something is left.
    """
    started = time.monotonic()
    while left := place.processes():
        if time.monotonic() - started > _GONE_WITHIN_S:
            raise AssertionError(f"left running: {sorted(title(process) for process in left)}")
        time.sleep(0.1)
    return time.monotonic() - started
