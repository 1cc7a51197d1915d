"""Drivers that were submitted to a cluster: waited for, read, and ended before they are at work."""

import time
from collections.abc import Callable, Iterator

from sqlalchemy import Engine

from searchctl.orchestrator.core.errors import DriverEnded, SearchctlError, SweepNotFound
from searchctl.orchestrator.executors.ray.jobs import ClusterJobs, tail
from searchctl.orchestrator.storage.database import open_database
from searchctl.orchestrator.storage.reads import queries
from searchctl.orchestrator.storage.rows import SweepRow
from searchctl.orchestrator.storage.submissions import Submission, newest_submission

POLL_S = 0.5
_OF_RAY = " INFO job_manager.py:"
"""In the lines that Ray itself writes before a job's own."""

Say = Callable[[str], None]


class SubmittedDriver:
    """A driver that was submitted, and may not be at work yet."""

    def __init__(
        self, engine: Engine, jobs: ClusterJobs, submission: Submission, after: int
    ) -> None:
        """Wait for the sweep's driver to come after so many others."""
        self.engine = engine
        self.submission = submission
        self._jobs = jobs
        self._after = after

    def wait(self, say: Say, give_up: Callable[[], bool]) -> SweepRow | None:
        """Wait until it drives its sweep; return the sweep, or None if it takes too long.

        Args:
            say: is told how the job stands, when that changes.
            give_up: asked often whether it takes too long.

        Raises:
            DriverEnded: it ended before; says what it printed, and its exit code.
        """
        said = ""
        while True:
            state = self._jobs.state(self.submission.job)
            if row := self._driven():  # after the state: a job that has ended has stored all
                return row
            if state is None or state.ended:
                raise self._ended(state.exit_code if state else None)
            if state.status != said:
                say(f"job {self.submission.job} is {state.status.lower()}")
            said = state.status
            if give_up():
                return None
            time.sleep(POLL_S)

    def _driven(self) -> SweepRow | None:
        try:
            row = queries.find_sweep(self.engine, self.submission.sweep)
        except SweepNotFound:
            return None
        return row if drivers_so_far(self.engine, row) > self._after else None

    def _ended(self, exit_code: int | None) -> DriverEnded:
        lines = (self._jobs.output(self.submission.job) or "").splitlines(keepends=True)
        printed = tail("".join(line for line in lines if _OF_RAY not in line))
        return DriverEnded(
            f"the driver ended before it was at work: job {self.submission.job} of "
            f"{self.submission.address} printed\n\n{printed}",
            exit_code,
        )


def drivers_so_far(engine: Engine, row: SweepRow) -> int:
    """Return how many drivers a sweep has had."""
    return sum(event.kind == "driver" for event in queries.events(engine, row))


def printed_by_driver(
    sweep: str, url: str, address: str | None = None, *, follow: bool = False
) -> Iterator[str]:
    """Yield what the newest driver of a sweep prints, in parts.

    Args:
        sweep: its name; it need not be stored yet.
        url: of the database.
        address: where the cluster is reached from here, if not where it was submitted to.
        follow: go on until the driver ends.

    Raises:
        SearchctlError: it was not submitted to a cluster, or that does not have it any more.
    """
    submission = newest_submission(open_database(url), sweep)
    if submission is None:
        raise SearchctlError(
            f"no driver of '{sweep}' was submitted to a cluster: what it prints is on the terminal "
            f"that it was launched from; `searchctl logs {sweep}` says what it stored"
        )
    jobs, shown = ClusterJobs(address or submission.address), 0
    while True:
        state = jobs.state(submission.job)
        printed = jobs.output(submission.job)  # after the state: an ended one prints no more
        if state is None or printed is None:
            raise SearchctlError(
                f"the cluster at {jobs.address} has no job {submission.job} (any more): a cluster "
                "that was started anew has forgotten its jobs"
            )
        yield printed[shown:]
        if state.ended or not follow:
            return
        shown = len(printed)
        time.sleep(POLL_S)


def stop_before_it_is_stored(sweep: str, url: str) -> str | None:
    """End a submitted driver whose sweep is not stored yet; return its job, None without one."""
    submission = newest_submission(open_database(url), sweep)
    if submission is None:
        return None
    jobs = ClusterJobs(submission.address)
    state = jobs.state(submission.job)
    if state is None or state.ended:
        return None
    jobs.stop(submission.job)
    return submission.job
