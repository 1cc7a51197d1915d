"""Waits for submitted drivers, reads their output, and stops them before they store a sweep."""

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
"""Marks the lines that Ray writes before the output of a job."""

Say = Callable[[str], None]


class SubmittedDriver:
    """A submitted driver, which may not have started yet."""

    def __init__(
        self, engine: Engine, jobs: ClusterJobs, submission: Submission, after: int
    ) -> None:
        """Describe a submission; `after` is the number of earlier drivers of the sweep."""
        self.engine = engine
        self.submission = submission
        self._jobs = jobs
        self._after = after

    def wait(self, say: Say, give_up: Callable[[], bool]) -> SweepRow | None:
        """Wait until the driver holds its sweep; return the sweep.

        Args:
            say: prints a line for the user when the job's status changes.
            give_up: returns whether to stop waiting; called often.

        Returns:
            The stored sweep; None after `give_up`.

        Raises:
            DriverEnded: the driver ended before. The error has its output and exit code.
        """
        printed = ""
        while True:
            state = self._jobs.state(self.submission.job)
            if row := self._driven():  # after the state: an ended job has stored everything
                return row
            if state is None or state.ended:
                raise self._ended(state.exit_code if state else None)
            if state.status != printed:
                say(f"job {self.submission.job} is {state.status.lower()}")
            printed = state.status
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
            f"the driver ended before it started its sweep: job {self.submission.job} of "
            f"{self.submission.address} printed\n\n{printed}",
            exit_code,
        )


def drivers_so_far(engine: Engine, row: SweepRow) -> int:
    """Return the number of drivers of a sweep so far."""
    return sum(event.kind == "driver" for event in queries.events(engine, row))


def printed_by_driver(
    sweep: str, url: str, address: str | None = None, *, follow: bool = False
) -> Iterator[str]:
    """Yield the output of a sweep's newest driver in parts.

    Args:
        sweep: name of the sweep, which need not be stored yet.
        url: URL of the database.
        address: address of the cluster, if it differs from the one of the submission.
        follow: whether to continue until the driver ends.

    Raises:
        SearchctlError: the driver was not submitted, or the cluster no longer has its job.
    """
    submission = newest_submission(open_database(url), sweep)
    if submission is None:
        raise SearchctlError(
            f"no driver of '{sweep}' was submitted to a cluster: its output is on the terminal "
            f"where it was launched; `searchctl logs {sweep}` shows what it stored"
        )
    jobs, shown = ClusterJobs(address or submission.address), 0
    while True:
        state = jobs.state(submission.job)
        printed = jobs.output(submission.job)  # after the state: an ended job prints no more
        if state is None or printed is None:
            raise SearchctlError(
                f"the cluster at {jobs.address} has no job {submission.job}: a restarted cluster "
                "does not keep its jobs"
            )
        yield printed[shown:]
        if state.ended or not follow:
            return
        shown = len(printed)
        time.sleep(POLL_S)


def stop_before_it_is_stored(sweep: str, url: str) -> str | None:
    """Stop a submitted driver whose sweep is not stored yet; return its job, None without one."""
    submission = newest_submission(open_database(url), sweep)
    if submission is None:
        return None
    jobs = ClusterJobs(submission.address)
    state = jobs.state(submission.job)
    if state is None or state.ended:
        return None
    jobs.stop(submission.job)
    return submission.job
